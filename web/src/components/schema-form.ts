/** From the JSON Schema of an answer to the fields that are filled in for it, and back. Pure. */

import type { Json } from '../api/types.ts'

export interface FormField {
  name: string
  label: string
  about: string
  kind: 'text' | 'number' | 'boolean' | 'choice' | 'choices' | 'json'
  options: string[]
  isRequired: boolean
  initial: string
}

export interface Form {
  /** The answer is an object of the fields; else it is the value of the only one. */
  isObject: boolean
  fields: FormField[]
}

type Schema = { [key: string]: Json }

export function formOf(schema: Json | undefined): Form {
  const root = schemaOf(schema)
  const properties = schemaOf(root.properties)
  if (root.type === 'object' && Object.keys(properties).length > 0) {
    const required = Array.isArray(root.required) ? root.required : []
    const fields = Object.entries(properties).map(([name, property]) =>
      fieldOf(name, schemaOf(property), required.includes(name)),
    )
    return { isObject: true, fields }
  }
  return { isObject: false, fields: [fieldOf('', root, true)] }
}

function fieldOf(name: string, schema: Schema, isRequired: boolean): FormField {
  const { title, description, default: given } = schema
  const { kind, options } = kindOf(schema)
  return {
    name,
    label: typeof title === 'string' ? title : name || 'Answer',
    about: typeof description === 'string' ? description : '',
    kind,
    options,
    isRequired,
    initial: given === undefined ? '' : typeof given === 'string' ? given : JSON.stringify(given),
  }
}

function kindOf(schema: Schema): Pick<FormField, 'kind' | 'options'> {
  const options = optionsOf(schema)
  if (options) return { kind: 'choice', options }
  const type = Array.isArray(schema.type) ? schema.type.find((t) => t !== 'null') : schema.type
  if (type === 'boolean') return { kind: 'boolean', options: [] }
  if (type === 'number' || type === 'integer') return { kind: 'number', options: [] }
  if (type === 'array') {
    const items = optionsOf(schemaOf(schema.items))
    return items ? { kind: 'choices', options: items } : { kind: 'json', options: [] }
  }
  if (type === 'object') return { kind: 'json', options: [] }
  return { kind: 'text', options: [] }
}

/** Only choices that are all texts: others are written as JSON. */
function optionsOf(schema: Schema): string[] | null {
  const values = Array.isArray(schema.enum) ? schema.enum : constantsOf(schema.oneOf)
  return values?.every((v) => typeof v === 'string') ? (values as string[]) : null
}

const constantsOf = (list: Json | undefined): Json[] | null =>
  Array.isArray(list) && list.every((s) => 'const' in schemaOf(s))
    ? list.map((s) => schemaOf(s).const as Json)
    : null

const schemaOf = (value: Json | undefined): Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}

/** The answer that the texts of the fields make, or what is wrong with them. */
export function answerOf(
  form: Form,
  texts: Record<string, string>,
): { answer: Json } | { problem: string } {
  const answer: { [key: string]: Json } = {}
  for (const field of form.fields) {
    const text = texts[field.name] ?? field.initial
    if (text.trim() === '') {
      if (field.isRequired && field.kind !== 'boolean' && field.kind !== 'choices')
        return { problem: `${field.label} is missing.` }
      if (!field.isRequired) continue
    }
    const value = valueIn(field, text)
    if (value === undefined) return { problem: `${field.label} is not a ${WORDS[field.kind]}.` }
    answer[field.name] = value
  }
  return { answer: form.isObject ? answer : (answer[''] ?? null) }
}

const WORDS: Record<FormField['kind'], string> = {
  text: 'text',
  number: 'number',
  boolean: 'yes or no',
  choice: 'choice',
  choices: 'list of choices',
  json: 'JSON value',
}

function valueIn(field: FormField, text: string): Json | undefined {
  switch (field.kind) {
    case 'text':
    case 'choice':
      return text
    case 'boolean':
      return text === 'true'
    case 'number': {
      const number = Number(text)
      return text.trim() === '' || !Number.isFinite(number) ? undefined : number
    }
    case 'choices':
    case 'json':
      try {
        return JSON.parse(text === '' && field.kind === 'choices' ? '[]' : text) as Json
      } catch {
        return undefined
      }
  }
}
