// Ticks, seconds and bars of a piece.
import type { Piece, Section } from './types'

interface Stretch {
  tick: number
  seconds: number
  perTick: number
}

/** The tempo map of a piece: seconds at a tick, and the tick at a second. */
export class Clock {
  private stretches: Stretch[] = []

  constructor(piece: Pick<Piece, 'tempos' | 'resolution'>) {
    let tick = 0
    let seconds = 0
    let perTick = 60 / (120 * piece.resolution)
    for (const [at, bpm] of piece.tempos) {
      seconds += (at - tick) * perTick
      tick = at
      perTick = 60 / (bpm * piece.resolution)
      this.stretches.push({ tick, seconds, perTick })
    }
    if (!this.stretches.length || this.stretches[0].tick > 0)
      this.stretches.unshift({ tick: 0, seconds: 0, perTick: 60 / (120 * piece.resolution) })
  }

  seconds(tick: number): number {
    const at = this.find((stretch) => stretch.tick <= tick)
    return at.seconds + (tick - at.tick) * at.perTick
  }

  tick(seconds: number): number {
    const at = this.find((stretch) => stretch.seconds <= seconds)
    return at.tick + (seconds - at.seconds) / at.perTick
  }

  private find(begins: (stretch: Stretch) => boolean): Stretch {
    for (let index = this.stretches.length - 1; index > 0; index--)
      if (begins(this.stretches[index])) return this.stretches[index]
    return this.stretches[0]
  }
}

/** The bar, from 1, that a tick lies in. */
export function barAt(piece: Piece, tick: number): number {
  let low = 0
  let high = piece.bar_lines.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (piece.bar_lines[middle] <= tick) low = middle
    else high = middle - 1
  }
  return low + 1
}

/** Where a bar, from 1, begins; the bar after the last one begins at the end of the piece. */
export function barStart(piece: Piece, bar: number): number {
  return bar > piece.bar_lines.length ? endTick(piece) : piece.bar_lines[Math.max(0, bar - 1)]
}

export function endTick(piece: Piece): number {
  const lines = piece.bar_lines
  const last = lines[lines.length - 1] ?? 0
  return Math.max(piece.length_ticks, last + 1)
}

/** Numerator and denominator of the metre at a tick. */
export function metreAt(piece: Piece, tick: number): [number, number] {
  let metre: [number, number] = [4, 4]
  for (const [at, over, under] of piece.metres) if (at <= tick) metre = [over, under]
  return metre
}

/** Beats from one tick to another: tick, and whether it is the first of its bar. */
export function beats(piece: Piece, from: number, to: number): { tick: number; first: boolean }[] {
  const found = []
  for (let bar = barAt(piece, from); bar <= piece.bar_lines.length; bar++) {
    const start = barStart(piece, bar)
    if (start >= to) break
    const [over, under] = metreAt(piece, start)
    const compound = under === 8 && over % 3 === 0 && over > 3
    const step = (piece.resolution * 4 * (compound ? 3 : 1)) / under
    for (let tick = start; tick < Math.min(to, barStart(piece, bar + 1)); tick += step)
      if (tick >= from) found.push({ tick, first: tick === start })
  }
  return found
}

/** The sections that the markers of a piece name. */
export function markedSections(piece: Piece): Section[] {
  const starts = piece.markers.map(([tick, name]) => ({ name, start_bar: barAt(piece, tick) }))
  return starts
    .map(({ name, start_bar }, index) => ({
      name,
      start_bar,
      bars: (starts[index + 1]?.start_bar ?? piece.bar_lines.length + 1) - start_bar,
    }))
    .filter((section) => section.bars > 0)
}

export function clockTime(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}
