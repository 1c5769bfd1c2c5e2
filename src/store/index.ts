/** Where the log can live. */

export { openPostgresStore, type PostgresOptions } from './postgres.ts'
export { openSqliteStore, type SqliteOptions } from './sqlite.ts'
