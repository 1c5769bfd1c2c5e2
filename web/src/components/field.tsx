/** What is filled in. Every field has a label that is always there. */

import type {
  InputHTMLAttributes,
  ReactNode,
  SelectHTMLAttributes,
  TextareaHTMLAttributes,
} from 'react'
import { useId } from 'react'

interface Labelled {
  label: string
  hint?: ReactNode
}

interface FrameProps extends Labelled {
  id: string
  children: ReactNode
}

const Frame = ({ id, label, hint, children }: FrameProps) => (
  <div className="flex flex-col gap-1">
    <label htmlFor={id} className="text-sm font-medium">
      {label}
    </label>
    {children}
    {hint && (
      <p id={`${id}-hint`} className="text-xs text-faint">
        {hint}
      </p>
    )}
  </div>
)

const described = (id: string, hint: ReactNode) =>
  hint ? { 'aria-describedby': `${id}-hint` } : {}

type TextProps = Labelled & InputHTMLAttributes<HTMLInputElement>

export function TextField({ label, hint, ...rest }: TextProps) {
  const id = useId()
  return (
    <Frame {...{ id, label, hint }}>
      <input id={id} className="field" {...described(id, hint)} {...rest} />
    </Frame>
  )
}

type AreaProps = Labelled & TextareaHTMLAttributes<HTMLTextAreaElement>

export function TextArea({ label, hint, ...rest }: AreaProps) {
  const id = useId()
  return (
    <Frame {...{ id, label, hint }}>
      <textarea id={id} className="field" rows={4} {...described(id, hint)} {...rest} />
    </Frame>
  )
}

type SelectProps = Labelled & SelectHTMLAttributes<HTMLSelectElement>

export function SelectField({ label, hint, children, ...rest }: SelectProps) {
  const id = useId()
  return (
    <Frame {...{ id, label, hint }}>
      <select id={id} className="field" {...described(id, hint)} {...rest}>
        {children}
      </select>
    </Frame>
  )
}
