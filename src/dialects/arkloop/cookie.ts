/**
 * The cookie that holds the refresh token: no script reads it, and only the paths that sign in and
 * out get it. Those of older versions of the clients are taken away whenever it is set.
 */

const NAME = 'arkloop_refresh_token'
const OLD_NAMES = ['arkloop_rt_web', 'arkloop_rt_console', 'arkloop_rt_console_lite']

/** What to set; an empty value takes the cookie away. */
export const cookiesFor = (base: string, value: string, maxAgeS: number): string[] => [
  written(base, NAME, value, maxAgeS),
  ...OLD_NAMES.map((name) => written(base, name, '', 0)),
]

/** The path is where the browser sees it: below the mount, when there is one. */
function written(base: string, name: string, value: string, maxAgeS: number): string {
  const url = new URL(base)
  const prefix = url.pathname === '/' ? '' : url.pathname
  const secure = url.protocol === 'https:' ? '; Secure' : ''
  return `${name}=${value}; Path=${prefix}/v1/auth; HttpOnly; SameSite=Lax; Max-Age=${maxAgeS}${secure}`
}

export function cookieIn(header: string | undefined): string | null {
  for (const part of (header ?? '').split(';')) {
    const [name, value] = part.trim().split('=', 2)
    if (name === NAME && value) return value
  }
  return null
}
