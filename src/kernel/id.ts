/**
 * Inside, every id is a UUIDv7 in lower case with dashes. A dialect dresses it in its own form and
 * undresses it again; the form tells whose id it is, so no table of ids is needed.
 */

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export const isUuid = (text: string): boolean => UUID.test(text)

/**
 * `01890a5d-ac96-774b-bcce-b302099a8057` with prefix `ses_` ->
 * `ses_01890a5dac96774bbcceb302099a8057`.
 */
export const dress = (prefix: string, uuid: string): string => prefix + uuid.replaceAll('-', '')

/** The inverse of `dress`; null when the text does not have that form. */
export function undress(prefix: string, text: string): string | null {
  if (!text.startsWith(prefix)) return null
  const hex = text.slice(prefix.length)
  if (!/^[0-9a-f]{32}$/.test(hex)) return null
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
