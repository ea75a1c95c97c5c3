// Asks the studio, and turns what goes wrong into a message for people.
import type { Job, Trouble } from './types'

export class StudioError extends Error {
  constructor(
    readonly trouble: Trouble,
    readonly status: number,
  ) {
    super(trouble.what)
  }
}

const GONE: Trouble = {
  what: 'The studio does not answer.',
  where: '',
  next_step: 'Is "ritornello studio" still running? Start it again; nothing of your library is lost.',
}

export async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const init: RequestInit = { method }
  if (body instanceof Blob) init.body = body
  else if (body !== undefined) {
    init.body = JSON.stringify(body)
    init.headers = { 'Content-Type': 'application/json' }
  }
  let response: Response
  try {
    response = await fetch('/api' + path, init)
  } catch {
    throw new StudioError(GONE, 0)
  }
  if (response.ok) return response.status === 204 ? (undefined as T) : await response.json()
  const answer = await response.json().catch(() => null)
  const trouble = answer?.error ?? { ...GONE, what: `The studio answers ${response.status}.` }
  throw new StudioError(trouble, response.status)
}

export const get = <T>(path: string) => ask<T>('GET', path)
export const post = <T>(path: string, body: unknown = {}) => ask<T>('POST', path, body)

/** Listens to a job until it ends; the function that comes back stops listening. */
export function listen(job: string, on: Record<string, (data: any) => void>): () => void {
  const source = new EventSource(`/api/jobs/${job}/events`)
  for (const [name, handle] of Object.entries(on))
    source.addEventListener(name, (event) => handle(JSON.parse((event as MessageEvent).data)))
  source.addEventListener('end', () => source.close())
  return () => source.close()
}

/** Listens to everything that changes in the studio, for ever. */
export function listenToAll(on: Record<string, (data: any) => void>, back: () => void) {
  const source = new EventSource('/api/events')
  let lost = false
  source.onerror = () => (lost = true)
  source.onopen = () => {
    if (lost) back()
    lost = false
  }
  for (const [name, handle] of Object.entries(on))
    source.addEventListener(name, (event) => handle(JSON.parse((event as MessageEvent).data)))
}

export const isOver = (job: Job) => ['done', 'failed', 'cancelled'].includes(job.state)
