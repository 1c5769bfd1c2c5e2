/** The way to the pages: a column on wide screens, a row at the bottom on narrow ones. */

import { useInboxCount } from './api/asks.tsx'
import { session } from './api/session.ts'
import { IconButton } from './components/button.tsx'
import { Icon } from './components/icon.tsx'
import { PAGES, type PageRow } from './pages/index.ts'
import { Link } from './router.tsx'
import { setTheme, type Theme, useTheme } from './theme.ts'

const NEXT: Record<Theme, { theme: Theme; icon: 'sun' | 'moon' | 'screen' }> = {
  system: { theme: 'light', icon: 'screen' },
  light: { theme: 'dark', icon: 'sun' },
  dark: { theme: 'system', icon: 'moon' },
}

export function NavRail({ path, onHelp }: { path: string; onHelp(): void }) {
  const theme = useTheme()
  const { theme: next, icon } = NEXT[theme]
  return (
    <nav
      aria-label="Pages"
      className="flex shrink-0 border-line bg-panel max-md:border-t md:w-44 md:flex-col md:border-r"
    >
      <Link to="/threads" className="flex items-center gap-2 px-4 py-3 font-semibold max-md:hidden">
        <Mark />
        Manifold
      </Link>
      <ul className="flex min-w-0 max-md:flex-1 md:flex-col md:gap-0.5 md:px-2">
        {PAGES.filter((page) => page.nav).map((page) => (
          <li key={page.path} className="min-w-0 max-md:flex-1">
            <NavLink page={page} isCurrent={`${path}/`.startsWith(`${page.path}/`)} />
          </li>
        ))}
      </ul>
      <div className="ml-auto flex items-center gap-1 md:mt-auto md:ml-0 md:p-2">
        <IconButton
          icon={icon}
          label={`Colours: ${theme}. Change to ${next}`}
          onClick={() => setTheme(next)}
        />
        <IconButton icon="keyboard" label="Keys (?)" onClick={onHelp} className="max-md:hidden" />
        {session.token() !== null && (
          <IconButton icon="leave" label="Forget the token" onClick={() => session.leave()} />
        )}
      </div>
    </nav>
  )
}

function NavLink({ page, isCurrent }: { page: PageRow; isCurrent: boolean }) {
  const waiting = useInboxCount()
  const number = page.path === '/inbox' && waiting > 0 ? waiting : null
  return (
    <Link
      to={page.path}
      aria-current={isCurrent ? 'page' : undefined}
      title={`${page.title} (g ${page.nav?.key})`}
      className={`relative flex items-center gap-2.5 rounded-md px-2.5 py-1.5 text-sm whitespace-nowrap max-md:flex-col max-md:gap-0.5 max-md:px-0 max-md:text-[0.6875rem] ${
        isCurrent
          ? 'bg-accent-soft font-medium text-accent'
          : 'text-soft hover:bg-sunk hover:text-ink'
      }`}
    >
      <Icon name={page.nav?.icon ?? 'info'} />
      {page.title}
      {number !== null && (
        <span className="rounded-full bg-warn px-1.5 text-xs leading-4.5 font-semibold text-panel max-md:absolute max-md:top-0 max-md:left-1/2 max-md:ml-1 md:ml-auto">
          {number}
          <span className="sr-only"> waiting</span>
        </span>
      )}
    </Link>
  )
}

/** Several lines that become one, and part again. */
const Mark = () => (
  <svg
    aria-hidden="true"
    width="20"
    height="20"
    viewBox="0 0 32 32"
    fill="none"
    stroke="currentColor"
    strokeWidth="3"
    strokeLinecap="round"
    className="text-accent"
  >
    <path d="M4 8c9 0 9 8 14 8h10M4 16h24M4 24c9 0 9-8 14-8" />
  </svg>
)
