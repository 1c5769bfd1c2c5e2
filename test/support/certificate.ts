/**
 * A certificate that signs itself, for servers of tests. Node makes keys and signatures and no
 * certificates, so the few fields that one must have are written out here.
 */

import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

export interface Certificate {
  /** PEM, as files of `--tls-cert` and `--tls-key` hold it. */
  cert: string
  key: string
}

const SEQUENCE = 0x30
const SET = 0x31
const INTEGER = 0x02
const BITS = 0x03
const OCTETS = 0x04
const OID = 0x06
const TEXT = 0x0c
const UTC = 0x17
/** Within a field that tells its parts apart by number. */
const part = (n: number): number => 0xa0 | n
const plainPart = (n: number): number => 0x80 | n

const HOUR_MS = 3_600_000

/** For this machine, by its address and its name; good for an hour. */
export function selfSigned(): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const ecdsaWithSha256 = der(SEQUENCE, oid('2a8648ce3d040302'))
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, oid('550403'), der(TEXT, 'localhost'))))
  const names = der(SEQUENCE, der(plainPart(2), 'localhost'), der(plainPart(7), [127, 0, 0, 1]))
  const extension = der(SEQUENCE, oid('551d11'), der(OCTETS, names))
  const now = Date.now()
  const content = der(
    SEQUENCE,
    der(part(0), der(INTEGER, [2])),
    der(INTEGER, [1, ...randomBytes(8)]),
    ecdsaWithSha256,
    name,
    der(SEQUENCE, der(UTC, utc(now - HOUR_MS)), der(UTC, utc(now + HOUR_MS))),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(part(3), der(SEQUENCE, extension)),
  )
  const signature = der(BITS, [0, ...sign('sha256', content, privateKey)])
  const whole = der(SEQUENCE, content, ecdsaWithSha256, signature)
  const lines = whole.toString('base64').replace(/.{64}/g, '$&\n').trim()
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

const oid = (hex: string): Buffer => der(OID, Buffer.from(hex, 'hex'))

/** `YYMMDDhhmmssZ`. */
const utc = (at: number): string => `${new Date(at).toISOString().replace(/\D/g, '').slice(2, 14)}Z`

/** One field: its kind, its length, its content. */
function der(kind: number, ...content: (Buffer | string | number[])[]): Buffer {
  const bytes = Buffer.concat(content.map((piece) => Buffer.from(piece as Buffer)))
  const { length } = bytes
  const long = [...(length > 0xff ? [length >> 8] : []), length & 0xff]
  const size = length < 0x80 ? [length] : [0x80 | long.length, ...long]
  return Buffer.concat([Buffer.from([kind, ...size]), bytes])
}
