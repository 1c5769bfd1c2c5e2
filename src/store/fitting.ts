/**
 * A group of jobs is one transaction, but they are of many people: where the database refuses the
 * data of one job (a value that is too long for an index, say), that one alone is refused.
 */

import type { Answer, Job, Unfit } from './job.ts'

/** `commit` writes all of the jobs, or says that the data of one of them cannot be written. */
export async function commitFitting(
  jobs: Job[],
  commit: (jobs: Job[]) => Promise<Answer[] | Unfit>,
): Promise<Answer[]> {
  const answers = await commit(jobs)
  if (!isUnfit(answers)) return answers
  if (jobs.length === 1) return [answers]
  const half = Math.ceil(jobs.length / 2)
  const first = await commitFitting(jobs.slice(0, half), commit)
  return [...first, ...(await commitFitting(jobs.slice(half), commit))]
}

export const isUnfit = (answer: object | string | null): answer is Unfit =>
  typeof answer === 'object' && answer !== null && 'unfit' in answer
