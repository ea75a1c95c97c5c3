// Draws the piano-roll: sections, chords and bar numbers above, and a lane for each part.
import { sectionColour, type Theme } from './colours'
import { endTick } from './timing'
import type { Piece, Plan, Track } from './types'

export const SECTION_HEIGHT = 26
export const CHORD_HEIGHT = 22
export const RULER_HEIGHT = 20
export const HEAD_HEIGHT = SECTION_HEIGHT + CHORD_HEIGHT + RULER_HEIGHT

export interface Frame {
  /** pixels a tick */
  scale: number
  /** pixels of the piece left of the canvas */
  left: number
  width: number
  laneHeight: number
  theme: Theme
}

/** Makes a canvas as fine as the screen and empties it. */
export function prepare(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const ratio = window.devicePixelRatio || 1
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)]
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across
    canvas.height = down
  }
  const pen = canvas.getContext('2d')!
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  pen.clearRect(0, 0, width, height)
  return pen
}

export function drawHead(pen: CanvasRenderingContext2D, piece: Piece, plan: Plan | null, frame: Frame) {
  const { theme } = frame
  const x = (tick: number) => tick * frame.scale - frame.left
  const end = endTick(piece)
  const barStart = (bar: number) => piece.bar_lines[bar - 1] ?? end
  pen.textBaseline = 'middle'
  for (const section of plan?.sections ?? []) {
    const [from, to] = [x(barStart(section.start_bar)), x(barStart(section.start_bar + section.bars))]
    if (to < 0 || from > frame.width) continue
    pen.fillStyle = theme.parts[sectionColour(section.name)]
    pen.globalAlpha = 0.2
    pen.beginPath()
    pen.roundRect(from + 1, 3, Math.max(2, to - from - 2), SECTION_HEIGHT - 5, 5)
    pen.fill()
    pen.globalAlpha = 1
    pen.beginPath()
    pen.roundRect(from + 1, 3, 3, SECTION_HEIGHT - 5, 2)
    pen.fill()
    pen.fillStyle = theme.ink
    pen.font = "italic 600 14px 'Iowan Old Style', Palatino, 'URW Palladio L', P052, Georgia, serif"
    clipText(pen, section.name, Math.max(from, 0) + 9, SECTION_HEIGHT / 2 + 0.5, to - Math.max(from, 0) - 12)
  }
  const chords = piece.chords.length ? piece.chords : (plan?.chords ?? [])
  pen.font = "13px 'Iowan Old Style', Palatino, 'URW Palladio L', P052, Georgia, serif"
  pen.fillStyle = theme.soft
  let free = -1e9
  chords.forEach(([tick, name], index) => {
    const at = x(tick)
    if (index && chords[index - 1][1] === name && tick !== 0) return
    if (at < -60 || at > frame.width || at < free) return
    pen.fillText(name, at + 3, SECTION_HEIGHT + CHORD_HEIGHT / 2)
    free = at + pen.measureText(name).width + 8
  })
  pen.font = '11px system-ui, sans-serif'
  const y = SECTION_HEIGHT + CHORD_HEIGHT
  const every = [1, 2, 4, 8, 16, 32].find((step) => step * barWidth(piece, frame) > 26) ?? 64
  piece.bar_lines.forEach((tick, index) => {
    const at = Math.round(x(tick)) + 0.5
    if (at < -30 || at > frame.width + 1) return
    pen.strokeStyle = theme.line
    const isNamed = index % every === 0
    pen.beginPath()
    pen.moveTo(at, y + (isNamed ? 2 : 12))
    pen.lineTo(at, y + RULER_HEIGHT)
    pen.stroke()
    if (isNamed) {
      pen.fillStyle = theme.soft
      pen.fillText(String(index + 1), at + 4, y + RULER_HEIGHT / 2 + 1)
    }
  })
}

function barWidth(piece: Piece, frame: Frame): number {
  return (endTick(piece) / Math.max(1, piece.bar_lines.length)) * frame.scale
}

export function drawLanes(
  pen: CanvasRenderingContext2D,
  piece: Piece,
  frame: Frame,
  look: { now: number; playing: boolean; audible: (part: string) => boolean; locked: (part: string) => boolean; given: boolean[][] | null },
) {
  const { theme, laneHeight, width } = frame
  const x = (tick: number) => tick * frame.scale - frame.left
  const height = laneHeight * piece.tracks.length
  piece.tracks.forEach((_, index) => {
    pen.fillStyle = index % 2 ? theme.paper : theme.sheet
    pen.fillRect(0, index * laneHeight, width, laneHeight)
  })
  const beatsToo = barWidth(piece, frame) > 70
  pen.lineWidth = 1
  piece.bar_lines.forEach((tick, index) => {
    const next = piece.bar_lines[index + 1] ?? endTick(piece)
    if (x(next) < 0 || x(tick) > width) return
    pen.strokeStyle = theme.line
    line(pen, Math.round(x(tick)) + 0.5, height)
    if (beatsToo) {
      pen.globalAlpha = 0.45
      for (let beat = tick + piece.resolution; beat < next; beat += piece.resolution) line(pen, Math.round(x(beat)) + 0.5, height)
      pen.globalAlpha = 1
    }
  })
  pen.fillStyle = theme.well
  const end = x(endTick(piece))
  if (end < width) pen.fillRect(end, 0, width - end, height)
  piece.tracks.forEach((track, index) => {
    pen.save()
    pen.beginPath()
    pen.rect(0, index * laneHeight, width, laneHeight)
    pen.clip()
    drawNotes(pen, track, index, frame, look)
    pen.restore()
    pen.strokeStyle = theme.line
    pen.beginPath()
    pen.moveTo(0, (index + 1) * laneHeight - 0.5)
    pen.lineTo(width, (index + 1) * laneHeight - 0.5)
    pen.stroke()
  })
}

function line(pen: CanvasRenderingContext2D, at: number, height: number) {
  pen.beginPath()
  pen.moveTo(at, 0)
  pen.lineTo(at, height)
  pen.stroke()
}

/** Where the pitches of a lane stand: from its lowest to its highest note; of drums, those that are struck. */
function rowsOf(track: Track): { row: (pitch: number) => number; rows: number } {
  if (track.is_drum) {
    const used = [...new Set(track.notes.map((note) => note[2]))].sort((one, other) => one - other)
    const at = new Map(used.map((pitch, index) => [pitch, index]))
    return { row: (pitch) => at.get(pitch)!, rows: Math.max(4, used.length) }
  }
  let [low, high] = [127, 0]
  for (const note of track.notes) {
    low = Math.min(low, note[2])
    high = Math.max(high, note[2])
  }
  const missing = Math.max(0, 12 - (high - low))
  low -= Math.floor(missing / 2)
  return { row: (pitch) => pitch - low, rows: high - low + 1 + Math.ceil(missing / 2) }
}

function drawNotes(
  pen: CanvasRenderingContext2D,
  track: Track,
  index: number,
  frame: Frame,
  look: { now: number; playing: boolean; audible: (part: string) => boolean; locked: (part: string) => boolean; given: boolean[][] | null },
) {
  const { theme, laneHeight, width } = frame
  const colour = theme.parts[index % 8]
  const { row, rows } = rowsOf(track)
  const pad = 7
  const step = (laneHeight - 2 * pad) / rows
  const thick = Math.max(2.5, Math.min(9, step * 0.92))
  const faded = look.audible(track.label) ? 1 : 0.22
  const given = look.given?.[index]
  track.notes.forEach(([onset, duration, pitch, velocity], number) => {
    const from = onset * frame.scale - frame.left
    const long = Math.max(2.5, duration * frame.scale - 1)
    if (from + long < 0 || from > width) return
    const y = index * laneHeight + laneHeight - pad - (row(pitch) + 0.5) * step - thick / 2
    const isSounding = look.playing && onset <= look.now && look.now < onset + Math.max(duration, 4)
    pen.fillStyle = isSounding ? theme.ink : colour
    pen.globalAlpha = faded * (isSounding ? 1 : (0.55 + 0.45 * (velocity / 127)) * (given?.[number] ? 0.5 : 1))
    pen.beginPath()
    pen.roundRect(from, y, track.is_drum ? Math.min(long, Math.max(3, thick)) : long, thick, Math.min(3, thick / 2))
    pen.fill()
  })
  pen.globalAlpha = 1
}

function clipText(pen: CanvasRenderingContext2D, text: string, x: number, y: number, room: number) {
  if (room < 8) return
  if (pen.measureText(text).width <= room) pen.fillText(text, x, y)
  else if (room > 10) pen.fillText(text[0].toUpperCase(), x, y)
}
