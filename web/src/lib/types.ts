// The values that the studio's HTTP API gives, as far as the page reads them.

/** onset, duration (ticks), pitch, velocity */
export type Note = [number, number, number, number]

export interface Track {
  name: string
  label: string
  instrument: string
  program: number
  is_drum: boolean
  notes: Note[]
  controls?: [number, number, number][]
  bends?: [number, number][]
  [more: string]: unknown
}

export interface Piece {
  resolution: number
  length_ticks: number
  title: string
  tempos: [number, number][]
  metres: [number, number, number][]
  keys: [number, string][]
  bar_lines: number[]
  chords: [number, string][]
  markers: [number, string][]
  tracks: Track[]
  [more: string]: unknown
}

export interface Version {
  id: string
  song: string
  parent: string | null
  title: string
  kind: string
  label: string
  created: string
  job: string | null
  model: string | null
  seed: number | null
  key: string | null
  tempo_bpm: number
  metre: string
  bars: number
  seconds: number
  parts: Record<string, number>
}

export interface PieceAnswer extends Version {
  warnings: string[]
  piece: Piece
  given: boolean[][] | null
  new_bars: [number, number] | null
}

export interface Song {
  id: string
  title: string
  head: string
  created: string
  updated: string
  versions: Version[]
}

export interface Trouble {
  what: string
  where: string
  next_step: string
}

export interface Progress {
  step?: string
  done?: number | null
  seconds_left?: number | null
  nats_per_note?: number
  best_nats_per_note?: number
  notes_per_second?: number
  step_number?: number
  sample?: { url: string }
}

export interface Job {
  id: string
  kind: string
  state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled'
  request: Record<string, unknown>
  title: string
  attempts: number
  progress: Progress | null
  created: string
  song: string | null
  result: { pieces?: string[]; files?: { name: string; url: string }[]; [more: string]: any } | null
  error: Trouble | null
}

export interface StreamedNote {
  part: string
  program: number
  is_drum: boolean
  onset: number
  duration: number
  pitch: number
  velocity: number
}

export interface Section {
  name: string
  start_bar: number
  bars: number
}

export interface Plan {
  form: string
  sections: Section[]
  chords: [number, string][]
  returns: number[]
}

export interface Instrument {
  name: string
  program: number
  is_drum: boolean
  low: number
  high: number
}

export interface Model {
  name: string
  styles: string[]
  collections: string[]
  instruments: Instrument[]
  keys: string[]
  metres: string[]
  has_form: boolean
  sections: string[]
  voices: string[]
  limits: Record<string, [number, number]>
}

export interface About {
  version: string
  library: string
  upload_bytes: number
  formats: { read: string[]; sound: string[]; export: { id: string; name: string; content: string }[] }
  first_piece: string | null
  extras: Record<string, boolean>
  sounds_as?: number[]
}

export interface Recording {
  id: string
  name: string
  seconds: number
  created: string
}

export interface Passage {
  quarters: number
  first_bar: number
  last_bar: number
  part: string
}

/** What of a piece stands in the training music; windows by their length in quarter notes. */
interface Copied {
  shares: Record<string, number | null>
  windows: Record<string, number>
  longest: Passage | null
}

export interface Originality {
  available: boolean
  reason?: string
  texture: Copied
  parts: Copied
  /** The same of real music that was not learned from. */
  held_out: Record<string, { shares: Record<string, number>; longest_quarters_median: number }>
}
