/**
 * Every page of the console, in the order of the navigation. A page is a file here and a row in this
 * table; nothing else names it.
 */

import type { ComponentType } from 'react'
import type { IconName } from '../components/icon.tsx'
import { AgentsPage } from './agents.tsx'
import { ConnectPage } from './connect.tsx'
import { HealthPage } from './health.tsx'
import { InboxPage } from './inbox.tsx'
import { JobsPage } from './jobs.tsx'
import { LogPage } from './log.tsx'
import { LogsPage } from './logs.tsx'
import { ThreadPage } from './thread.tsx'
import { ThreadsPage } from './threads.tsx'
import { UsagePage } from './usage.tsx'

export interface PageProps {
  /** What stands in the path in place of `{thread}` and the like. */
  params: Record<string, string>
}

export interface PageRow {
  /** Below /console. The first row that fits is shown. */
  path: string
  title: string
  /** Absent: it is reached from another page. `key` comes after `g`. */
  nav?: { icon: IconName; key: string }
  view: ComponentType<PageProps>
}

export const PAGES: readonly PageRow[] = [
  { path: '/inbox', title: 'Inbox', nav: { icon: 'inbox', key: 'i' }, view: InboxPage },
  { path: '/threads', title: 'Threads', nav: { icon: 'threads', key: 't' }, view: ThreadsPage },
  { path: '/threads/{thread}', title: 'Thread', view: ThreadPage },
  { path: '/log', title: 'Log', nav: { icon: 'log', key: 'l' }, view: LogsPage },
  { path: '/log/{thread}', title: 'Log', view: LogPage },
  { path: '/agents', title: 'Agents', nav: { icon: 'agents', key: 'a' }, view: AgentsPage },
  { path: '/jobs', title: 'Jobs', nav: { icon: 'jobs', key: 'j' }, view: JobsPage },
  { path: '/usage', title: 'Usage', nav: { icon: 'usage', key: 'u' }, view: UsagePage },
  { path: '/connect', title: 'Connect', nav: { icon: 'connect', key: 'c' }, view: ConnectPage },
  { path: '/health', title: 'Health', nav: { icon: 'health', key: 'h' }, view: HealthPage },
]
