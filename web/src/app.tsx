/** The frame around every page: navigation, the page itself, the keys that work everywhere. */

import { Component, type ReactNode, useEffect, useState, useSyncExternalStore } from 'react'
import { AskSource, useInboxCount } from './api/asks.tsx'
import { session } from './api/session.ts'
import { Empty, ErrorNote } from './components/note.tsx'
import { KeyHelp } from './key-help.tsx'
import { type Binding, useKeys } from './keys.tsx'
import { NavRail } from './nav-rail.tsx'
import { PAGES, type PageRow } from './pages/index.ts'
import { LoginPage } from './pages/login.tsx'
import { Link, matchPath, navigate, usePlace } from './router.tsx'

export function App() {
  const isRefused = useSyncExternalStore(session.listen, session.isRefused)
  if (isRefused) return <LoginPage />
  return (
    <AskSource>
      <Frame />
    </AskSource>
  )
}

function Frame() {
  const { path } = usePlace()
  const [isHelp, setHelp] = useState(false)
  const found = findPage(path)
  useEffect(() => {
    if (path === '/') navigate('/threads', { replace: true })
  }, [path])
  useTitle(found?.row ?? null)
  useKeys([
    ...PAGES.flatMap((page) => goTo(page)),
    {
      keys: '?',
      about: 'This list of keys',
      group: 'Everywhere',
      run: () => setHelp(true),
    },
  ])
  return (
    <div className="flex h-full max-md:flex-col-reverse">
      <a
        href="#page"
        className="sr-only focus:not-sr-only focus:absolute focus:z-20 focus:m-2 focus:rounded-md focus:bg-raised focus:px-3 focus:py-2"
      >
        Skip to the page
      </a>
      <NavRail path={path} onHelp={() => setHelp(true)} />
      <main id="page" tabIndex={-1} className="flex min-h-0 min-w-0 flex-1 flex-col outline-none">
        <Fence key={path}>
          {found ? <found.row.view params={found.params} /> : path !== '/' && <Nowhere />}
        </Fence>
      </main>
      {isHelp && <KeyHelp onClose={() => setHelp(false)} />}
    </div>
  )
}

function findPage(path: string): { row: PageRow; params: Record<string, string> } | null {
  for (const row of PAGES) {
    const params = matchPath(row.path, path)
    if (params) return { row, params }
  }
  return null
}

const goTo = ({ path, title, nav }: PageRow): Binding[] =>
  nav
    ? [{ keys: `g ${nav.key}`, about: `Go to ${title}`, group: 'Go to', run: () => navigate(path) }]
    : []

/** The tab says how many wait, wherever the person is. */
function useTitle(row: PageRow | null): void {
  const waiting = useInboxCount()
  useEffect(() => {
    const name = row ? `${row.title} · Manifold` : 'Manifold'
    document.title = waiting > 0 ? `(${waiting}) ${name}` : name
  }, [row, waiting])
}

const Nowhere = () => (
  <Empty icon="alert" title="There is no such page">
    <Link to="/threads" className="text-accent underline">
      Go to the threads
    </Link>
  </Empty>
)

/** A page that breaks says so and leaves the rest of the console standing. */
class Fence extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null }

  static getDerivedStateFromError(error: unknown) {
    return { error }
  }

  override render() {
    if (this.state.error === null) return this.props.children
    return (
      <div className="p-4">
        <ErrorNote error={this.state.error} onRetry={() => this.setState({ error: null })} />
      </div>
    )
  }
}
