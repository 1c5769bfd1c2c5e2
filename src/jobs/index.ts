/** The jobs' front door. */

export { createJobs, type JobOptions, type JobRunner } from './runner.ts'
