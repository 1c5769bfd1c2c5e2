/** The ways in: who may come, by which name, from which page, and how often. */

export { viewFor } from './account-view.ts'
export { type Bind, checkBind, needsCredential } from './bind.ts'
export { admitDefault, bearerOf, type DoorOptions, LOCAL, TOKEN_HOLDER } from './door.ts'
export { checkHost, type HostName, type HostRule, isLoopback, parseHost } from './host.ts'
export {
  addressKey,
  createLimiter,
  type Limiter,
  type LimiterOptions,
  type Passage,
} from './limiter.ts'
export {
  checkOrigin,
  type OriginRule,
  type OriginVerdict,
  type Preflight,
  preflight,
} from './origin.ts'
export { canonical, requestHash } from './request-hash.ts'
export { type Box, openBox } from './sealed.ts'
export { openTokens, type Tokens } from './token.ts'
