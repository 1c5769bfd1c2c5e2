/** The engine's front door. */

export {
  DEFAULT_SETTINGS,
  type EngineDeps,
  type EngineLog,
  type EngineSettings,
} from './context.ts'
export { createEngine, type RunningEngine } from './engine.ts'
