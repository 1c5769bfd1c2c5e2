/** The drawings of the console: strokes on a grid of 24, in the colour of the text around them. */

const PATHS = {
  inbox: 'M4 13l3-8h10l3 8v6H4zM4 13h5l1 2h4l1-2h5',
  threads: 'M4 5h16v10H9l-5 4z',
  log: 'M5 6h14M5 12h14M5 18h9',
  agents:
    'M12 4v3M7 7h10a2 2 0 012 2v8a2 2 0 01-2 2H7a2 2 0 01-2-2V9a2 2 0 012-2zM9.5 12v1.5M14.5 12v1.5',
  jobs: 'M12 8v4l3 2M12 4a8 8 0 108 8 8 8 0 00-8-8',
  usage: 'M5 20v-7M12 20V5M19 20v-11',
  connect: 'M9 15l6-6M10 6l2-2a4 4 0 016 6l-2 2M14 18l-2 2a4 4 0 01-6-6l2-2',
  health: 'M3 12h4l3-7 4 14 3-7h4',
  plus: 'M12 5v14M5 12h14',
  sun: 'M12 8a4 4 0 100 8 4 4 0 000-8M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6L19 19M5 19l1.4-1.4M17.6 6.4L19 5',
  moon: 'M20 14a8 8 0 11-10-10 6.5 6.5 0 0010 10',
  screen: 'M4 5h16v11H4zM9 20h6M12 16v4',
  keyboard: 'M3 7h18v10H3zM7 11h.01M11 11h.01M15 11h.01M8 14h8',
  search: 'M11 5a6 6 0 100 12 6 6 0 000-12M20 20l-4.5-4.5',
  send: 'M5 12h13M12 5l7 7-7 7',
  stop: 'M7 7h10v10H7z',
  right: 'M9 6l6 6-6 6',
  left: 'M15 6l-6 6 6 6',
  down: 'M6 9l6 6 6-6',
  up: 'M6 15l6-6 6 6',
  grip: 'M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01',
  edit: 'M4 20l4-1L19 8l-3-3L5 16zM14 7l3 3',
  trash: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13',
  fork: 'M7 4v16M7 14c0-5 10-3 10-8M14 8l3-3 3 3',
  retry: 'M5 12a7 7 0 112 5M5 20v-4h4',
  check: 'M5 13l4 4L19 7',
  cross: 'M6 6l12 12M18 6L6 18',
  copy: 'M9 9h10v11H9zM5 15V4h10',
  image: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.01',
  file: 'M6 3h8l4 4v14H6zM14 3v4h4',
  shrink: 'M9 4v5H4M15 4v5h5M9 20v-5H4M15 20v-5h5',
  alert: 'M12 4l9 16H3zM12 10v4M12 17h.01',
  info: 'M12 4a8 8 0 100 16 8 8 0 000-16M12 11v5M12 8h.01',
  more: 'M6 12h.01M12 12h.01M18 12h.01',
  out: 'M10 5H5v14h14v-5M14 4h6v6M20 4l-9 9',
  leave: 'M14 5H5v14h9M10 12h11M17 8l4 4-4 4',
} as const

export type IconName = keyof typeof PATHS

/** Says nothing to a screen reader: the words beside it do. */
export const Icon = ({ name, size = 16 }: { name: IconName; size?: number }) => (
  <svg
    aria-hidden="true"
    className="shrink-0"
    width={size}
    height={size}
    viewBox="0 0 24 24"
    fill="none"
    stroke="currentColor"
    strokeWidth={name === 'grip' || name === 'more' ? 2.6 : 1.8}
    strokeLinecap="round"
    strokeLinejoin="round"
  >
    <path d={PATHS[name]} />
  </svg>
)
