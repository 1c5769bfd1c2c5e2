/** A question of an agent: its options, or the form that its schema describes, and words of one's own. */

import { type FormEvent, useId, useState } from 'react'
import type { Json, Question } from '../api/types.ts'
import { Button } from '../components/button.tsx'
import { SelectField, TextArea, TextField } from '../components/field.tsx'
import { untwisted } from '../components/plain.ts'
import { answerOf, type Form, type FormField, formOf } from '../components/schema-form.ts'

interface Props {
  question: Question
  isBusy: boolean
  answer(answer: Json): void
}

export function QuestionForm({ question, isBusy, answer }: Props) {
  const { text, options = [], schema } = question
  return (
    <div className="flex flex-col gap-3">
      <p className="whitespace-pre-wrap" dir="auto">
        {untwisted(text)}
      </p>
      {options.length > 0 && (
        <ul className="flex flex-col gap-1.5">
          {options.map((option) => (
            <li key={option.label}>
              <Button
                disabled={isBusy}
                onClick={() => answer(option.label)}
                className="w-full !justify-start text-left !whitespace-normal"
              >
                <span dir="auto">
                  {untwisted(option.label)}
                  {option.about && (
                    <span className="block text-xs font-normal text-soft">
                      {untwisted(option.about)}
                    </span>
                  )}
                </span>
              </Button>
            </li>
          ))}
        </ul>
      )}
      {(options.length === 0 || takesWords(schema)) && (
        <Fields form={options.length > 0 ? OWN_WORDS : formOf(schema)} {...{ isBusy, answer }} />
      )}
    </div>
  )
}

const OWN_WORDS = formOf({ type: 'string', title: 'Or in words of your own' })

/** Whether something else than one of the options may be said. */
function takesWords(schema: Json | undefined): boolean {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return true
  return !('enum' in schema)
}

function Fields({ form, isBusy, answer }: { form: Form } & Pick<Props, 'isBusy' | 'answer'>) {
  const [texts, setTexts] = useState<Record<string, string>>({})
  const [problem, setProblem] = useState<string | null>(null)
  const send = (event: FormEvent) => {
    event.preventDefault()
    const made = answerOf(form, texts)
    if ('problem' in made) return setProblem(made.problem)
    setProblem(null)
    answer(made.answer)
  }
  return (
    <form onSubmit={send} className="flex flex-col gap-3">
      {form.fields.map((field) => (
        <FieldOf
          key={field.name}
          field={field}
          text={texts[field.name] ?? field.initial}
          onChange={(text) => setTexts({ ...texts, [field.name]: text })}
        />
      ))}
      {problem && (
        <p role="alert" className="text-sm text-bad">
          {problem}
        </p>
      )}
      <div>
        <Button type="submit" tone="primary" disabled={isBusy}>
          Answer
        </Button>
      </div>
    </form>
  )
}

interface FieldProps {
  field: FormField
  text: string
  onChange(text: string): void
}

function FieldOf({ field, text, onChange }: FieldProps) {
  const { kind, options, isRequired } = field
  const label = `${untwisted(field.label)}${isRequired ? '' : ' (may be left out)'}`
  const shared = { label, hint: untwisted(field.about) || undefined }
  if (kind === 'choices') return <Choices {...{ field, text, onChange }} />
  if (kind === 'choice' || kind === 'boolean')
    return (
      <SelectField {...shared} value={text} onChange={(event) => onChange(event.target.value)}>
        <option value="">{kind === 'boolean' ? 'no' : 'choose'}</option>
        {kind === 'boolean' && <option value="true">yes</option>}
        {options.map((option) => (
          <option key={option} value={option}>
            {untwisted(option)}
          </option>
        ))}
      </SelectField>
    )
  if (kind === 'number')
    return (
      <TextField
        {...shared}
        inputMode="decimal"
        value={text}
        onChange={(event) => onChange(event.target.value)}
      />
    )
  return (
    <TextArea
      {...shared}
      rows={kind === 'json' ? 4 : 2}
      placeholder={kind === 'json' ? 'JSON' : undefined}
      value={text}
      onChange={(event) => onChange(event.target.value)}
    />
  )
}

function Choices({ field, text, onChange }: FieldProps) {
  const name = useId()
  const chosen: string[] = text === '' ? [] : (JSON.parse(text) as string[])
  const toggle = (option: string) =>
    onChange(
      JSON.stringify(
        chosen.includes(option) ? chosen.filter((c) => c !== option) : [...chosen, option],
      ),
    )
  return (
    <fieldset className="flex flex-col gap-1">
      <legend className="text-sm font-medium">{untwisted(field.label)}</legend>
      {field.options.map((option) => (
        <label key={option} className="flex items-center gap-2">
          <input
            type="checkbox"
            name={name}
            checked={chosen.includes(option)}
            onChange={() => toggle(option)}
          />
          {untwisted(option)}
        </label>
      ))}
    </fieldset>
  )
}
