import { expect, test } from 'vitest'
import { FAULT_CODES, Fault } from '../../kernel/fault.ts'
import { detail, failed, namedDetail, refuse, STATUS, unprocessable } from './faults.ts'
import { chatId } from './id.ts'

const request = { method: 'GET', path: '/api/chats', headers: {} }
const handshake = { method: 'GET', path: '/ws/x', headers: { upgrade: 'websocket' } }

test('every code has a status, and without more a text in `detail`', () => {
  for (const code of FAULT_CODES.filter((c) => c !== 'internal'))
    expect(refuse(new Fault(code, 'Text.'), request)).toEqual({
      status: STATUS[code],
      json: { detail: 'Text.' },
    })
})

test('the four shapes', () => {
  expect(refuse(detail('not_found', 'Chat not found'), request)).toEqual({
    status: 404,
    json: { detail: 'Chat not found' },
  })
  expect(refuse(namedDetail('not_found', 'X', 'y'), request)).toEqual({
    status: 404,
    json: { detail: { error: 'X', message: 'y' } },
  })
  expect(refuse(unprocessable('a: b'), request)).toEqual({
    status: 422,
    json: { error: 'ValidationError', message: 'a: b' },
  })
  expect(refuse(failed('X', 'y'), request)).toEqual({
    status: 500,
    json: { error: 'X', message: 'y' },
  })
})

test('a bug is told without its text, and a handshake without any', () => {
  const bug = refuse(new Fault('internal', 'secret'), request)
  expect(bug).toMatchObject({ status: 500, text: 'Internal Server Error' })
  expect(refuse(detail('invalid', 'x'), handshake)).toMatchObject({ status: 403, text: '' })
  expect(refuse(new Fault('unauthenticated', 'x'), handshake)).toMatchObject({ status: 403 })
})

test('ids in every spelling that the real gateway takes', () => {
  const id = '01890a5d-ac96-774b-bcce-b302099a8057'
  for (const text of [
    id,
    id.toUpperCase(),
    id.replaceAll('-', ''),
    `{${id}}`,
    `urn:uuid:${id}`,
    `urn:uuid:${id.toUpperCase()}`,
  ])
    expect(chatId(text)).toBe(id)
  for (const text of ['', 'x', `${id}0`, `{${id}`, 'ab', `${id}\n`, '😀'])
    expect(() => chatId(text)).toThrow(/^path -> chat_id: Input should be a valid UUID, invalid/)
})
