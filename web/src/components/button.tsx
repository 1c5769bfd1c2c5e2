/** What is pressed. A button without words has a label that is read out and shown on hover. */

import type { ButtonHTMLAttributes, ReactNode } from 'react'
import { Icon, type IconName } from './icon.tsx'

type Tone = 'plain' | 'primary' | 'danger' | 'quiet'

const TONES: Record<Tone, string> = {
  plain: 'border border-line bg-panel hover:bg-sunk',
  primary: 'border border-accent bg-accent text-accent-ink hover:opacity-90',
  danger: 'border border-line bg-panel text-bad hover:bg-bad-soft',
  quiet: 'border border-transparent text-soft hover:bg-sunk hover:text-ink',
}

type Props = Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'children'> & {
  tone?: Tone
  icon?: IconName
  children?: ReactNode
}

export const Button = ({ tone = 'plain', icon, children, className = '', ...rest }: Props) => (
  <button
    type="button"
    className={`inline-flex min-h-8 items-center justify-center gap-1.5 rounded-md px-3 py-1 text-sm font-medium whitespace-nowrap transition-colors disabled:cursor-not-allowed disabled:opacity-50 ${TONES[tone]} ${className}`}
    {...rest}
  >
    {icon && <Icon name={icon} size={15} />}
    {children}
  </button>
)

type IconButtonProps = Omit<Props, 'children' | 'icon'> & { icon: IconName; label: string }

export const IconButton = ({
  icon,
  label,
  tone = 'quiet',
  className = '',
  ...rest
}: IconButtonProps) => (
  <button
    type="button"
    aria-label={label}
    title={label}
    className={`inline-flex size-7 shrink-0 items-center justify-center rounded-md transition-colors disabled:cursor-not-allowed disabled:opacity-40 ${TONES[tone]} ${className}`}
    {...rest}
  >
    <Icon name={icon} size={15} />
  </button>
)
