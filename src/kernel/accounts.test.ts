import { describe, expect, it } from 'vitest'
import {
  effective,
  isActor,
  isPermission,
  PERMISSIONS,
  permissionsOf,
  type Role,
  sightOf,
} from './accounts.ts'

const ALICE = '01890a5d-ac96-774b-bcce-b302099a8057'
const BOB = '01890a5d-ac96-774b-bcce-b302099a8058'

describe('roles', () => {
  it('each may do all that the one below may, and more', () => {
    const ladder: Role[] = ['account_member', 'account_admin', 'platform_admin']
    const sizes = ladder.map((role) => permissionsOf(role).length)
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b))
    for (const lower of permissionsOf('account_member'))
      expect(permissionsOf('account_admin')).toContain(lower)
    expect(permissionsOf('platform_admin')).toEqual(PERMISSIONS)
  })

  it('only the platform’s admin is admin of the platform; all may use their threads and runs', () => {
    expect(permissionsOf('account_admin')).not.toContain('platform.admin')
    expect(permissionsOf('account_member')).toEqual(
      expect.arrayContaining([
        'data.threads.read',
        'data.threads.write',
        'data.runs.read',
        'data.runs.write',
      ]),
    )
    expect(permissionsOf('account_member')).not.toContain('data.secrets.manage')
  })

  it('a key may do what both its role and its scopes say', () => {
    expect(effective('account_member', ['data.runs.read', 'data.secrets.manage'])).toEqual([
      'data.runs.read',
    ])
    expect(effective('platform_admin', [])).toEqual([])
    expect(isPermission('data.runs.read')).toBe(true)
    expect(isPermission('data.runs')).toBe(false)
  })
})

describe('sight', () => {
  const alice = { id: ALICE, account: 'local', by: 'session' as const }

  it('another account’s things are foreign, also one’s own from there', () => {
    expect(sightOf(alice, { account: 'other', principal: ALICE }, ALICE)).toBe('foreign')
  })

  it('what a user made is that user’s', () => {
    expect(sightOf(alice, { account: 'local', principal: ALICE }, BOB)).toBe('own')
    expect(sightOf(alice, { account: 'local', principal: BOB }, ALICE)).toBe('colleague')
  })

  it('what nobody made is the owner’s', () => {
    const thing = { account: 'local', principal: 'local' }
    expect(sightOf(alice, thing, ALICE)).toBe('own')
    expect(sightOf(alice, thing, BOB)).toBe('colleague')
    expect(sightOf(alice, thing, null)).toBe('colleague')
    expect(sightOf({ id: 'token', account: 'local', by: 'server' }, thing, null)).toBe('own')
  })

  it('an actor is told from a principal by what it may do', () => {
    expect(isActor({ id: 'local', account: 'local' })).toBe(false)
    const actor = { ...alice, role: 'account_member' as const, permissions: new Set([]) }
    expect(isActor(actor)).toBe(true)
  })
})
