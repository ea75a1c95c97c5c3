// Plays a piece: a scheduler that hands the synthesiser what sounds within the next moment, so that tempo,
// loop and mutes answer at once and notes may still be arriving.
import { click, hasWorklets, openSound, type Sound } from './synth'
import { barAt, barStart, beats, Clock, endTick } from './timing'
import type { Piece } from './types'

const AHEAD_SECONDS = 0.2
const DRUM_CHANNEL = 9
const HELD_CONTROLS = new Set([1, 11, 64, 66, 67])

export interface Desk {
  mute: boolean
  solo: boolean
  volume: number
}

type Event = { tick: number; kind: 'on' | 'off' | 'control' | 'bend'; track: number; a: number; b: number }

/** From ``time`` of the audio clock on, the piece is played from ``tick``. */
interface Run {
  time: number
  tick: number
}

class Player {
  playing = $state(false)
  waiting = $state(false)
  /** Whether the browser can play notes itself; if not, the studio's sound file is played. */
  live = $state(hasWorklets())
  tick = $state(0)
  rate = $state(1)
  /** The loudest of the last moment, 0 to 1, as it leaves for the loudspeaker. */
  level = $state(0)
  click = $state(false)
  countIn = $state(false)
  loop = $state<[number, number] | null>(null)
  desks = $state<Record<string, Desk>>({})
  trouble = $state('')
  /** For each General MIDI program, the one of the SoundFont that stands for it. */
  soundsAs: number[] = []

  private piece: Piece | null = null
  private clock = new Clock({ tempos: [], resolution: 480 })
  private events: Event[] = []
  private next = 0
  private runs: Run[] = []
  private sound: Sound | null = null
  private timer: ReturnType<typeof setInterval> | undefined
  private sounding = new Map<string, [number, number]>()
  private growing = false

  desk(name: string): Desk {
    return this.desks[name] ?? { mute: false, solo: false, volume: 1 }
  }

  setDesk(name: string, change: Partial<Desk>) {
    this.desks[name] = { ...this.desk(name), ...change }
    this.mix()
  }

  audible(name: string): boolean {
    const soloed = Object.entries(this.desks).some(
      ([part, desk]) => desk.solo && this.piece?.tracks.some((track) => track.label === part),
    )
    return soloed ? this.desk(name).solo : !this.desk(name).mute
  }

  /** The piece that is played from now on; ``growing`` while it is still being composed. */
  setPiece(piece: Piece, growing = false) {
    const isOther = this.piece?.resolution !== piece.resolution
    const seconds = this.clock.seconds(this.tick)
    this.piece = piece
    this.growing = growing
    this.clock = new Clock(piece)
    this.events = eventsOf(piece)
    if (isOther && this.tick > 0) this.tick = this.clock.tick(seconds)
    if (this.tick >= endTick(piece)) this.tick = 0
    if (this.playing && this.sound) {
      const now = this.heardTick()
      if (isOther) this.restart(Math.min(this.tick, endTick(piece)))
      else this.next = this.indexAt(this.scheduledTick(now))
      this.setChannels()
    }
  }

  private scheduledTick(now: number): number {
    return Math.max(now, this.tickAt(this.sound!.context.currentTime + AHEAD_SECONDS))
  }

  async toggle() {
    if (this.playing) this.pause()
    else await this.play()
  }

  async play(from = this.tick) {
    if (!this.piece || this.waiting) return
    this.waiting = true
    this.trouble = ''
    try {
      this.sound = await openSound()
      await this.sound.context.resume()
    } catch (error) {
      this.live = false
      this.trouble = `This browser cannot play notes itself (${(error as Error).message}). `
      return
    } finally {
      this.waiting = false
    }
    if (from >= endTick(this.piece)) from = 0
    this.playing = true
    this.sound.gate.gain.setTargetAtTime(1, this.sound.context.currentTime, 0.005)
    this.setChannels()
    this.restart(from, this.countIn)
    clearInterval(this.timer)
    this.timer = setInterval(() => this.schedule(), 40)
    this.schedule()
    requestAnimationFrame(this.follow)
  }

  pause() {
    if (!this.playing) return
    this.tick = this.heardTick()
    this.playing = false
    clearInterval(this.timer)
    const { gate, synth, context } = this.sound!
    gate.gain.setTargetAtTime(0, context.currentTime, 0.01)
    synth.stopAll()
    setTimeout(() => this.playing || synth.stopAll(), AHEAD_SECONDS * 1000 + 60)
    this.sounding.clear()
    this.level = 0
  }

  stop() {
    this.pause()
    this.tick = this.loop ? this.loop[0] : 0
  }

  seek(tick: number) {
    this.tick = Math.max(0, tick)
    if (this.playing) {
      this.sound!.synth.stopAll()
      this.restart(this.tick)
    }
  }

  setRate(rate: number) {
    const now = this.playing ? this.heardTick() : this.tick
    this.rate = rate
    if (this.playing) this.restart(now)
  }

  /** Plays one note, as when an instrument is chosen. */
  async taste(program: number, isDrum: boolean, pitch: number) {
    if (this.playing || !this.live) return
    const { synth, context, gate } = await openSound()
    gate.gain.setTargetAtTime(1, context.currentTime, 0.005)
    const channel = isDrum ? DRUM_CHANNEL : 15
    if (!isDrum) synth.programChange(channel, this.soundsAs[program] ?? program)
    synth.noteOn(channel, pitch, 90, context.currentTime)
    synth.noteOff(channel, pitch, context.currentTime + 0.5)
  }

  private measure() {
    this.sound!.meter.getFloatTimeDomainData(this.samples)
    const loudest = this.samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0)
    this.level = Math.max(loudest, this.level * 0.9)
  }
  private readonly samples = new Float32Array(2048)

  private restart(tick: number, countIn = false) {
    const start = this.sound!.context.currentTime + 0.06
    let wait = 0
    if (countIn) {
      const bar = barAt(this.piece!, tick)
      const first = barStart(this.piece!, bar)
      const length = barStart(this.piece!, bar + 1) - first
      wait = length / this.ticksPerSecond(tick)
      for (const beat of beats(this.piece!, first, first + length))
        click(this.sound!, start + ((beat.tick - first) / length) * wait, beat.first)
    }
    this.runs = [{ time: start + wait, tick }]
    this.next = this.indexAt(tick)
    this.sounding.clear()
    this.clicked = tick
  }

  private clicked = 0

  private ticksPerSecond(tick: number): number {
    return this.rate / (this.clock.seconds(tick + 1) - this.clock.seconds(tick))
  }

  private indexAt(tick: number): number {
    let low = 0
    let high = this.events.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.events[middle].tick < tick) low = middle + 1
      else high = middle
    }
    return low
  }

  private timeOf(tick: number, run: Run): number {
    return run.time + (this.clock.seconds(tick) - this.clock.seconds(run.tick)) / this.rate
  }

  private tickAt(time: number): number {
    const run = this.runs.findLast((each) => each.time <= time) ?? this.runs[0]
    if (!run) return this.tick
    if (time < run.time) return run.tick
    return this.clock.tick(this.clock.seconds(run.tick) + (time - run.time) * this.rate)
  }

  private heardTick(): number {
    return this.tickAt(this.sound!.context.currentTime)
  }

  private schedule() {
    const ahead = document.hidden ? 1.5 : AHEAD_SECONDS
    const horizon = this.sound!.context.currentTime + ahead
    for (let rounds = 0; rounds < 100; rounds++) {
      const run = this.runs[this.runs.length - 1]
      const until = this.loop && this.loop[0] < this.loop[1] && run.tick < this.loop[1] ? this.loop[1] : Infinity
      const reached = this.clock.tick(this.clock.seconds(run.tick) + (horizon - run.time) * this.rate)
      const to = Math.min(reached, until)
      this.send(to, run)
      if (reached < until) return
      const time = this.timeOf(until, run)
      for (const [channel, pitch] of this.sounding.values()) this.sound!.synth.noteOff(channel, pitch, time)
      this.sounding.clear()
      this.runs = [...this.runs.slice(-3), { time, tick: this.loop![0] }]
      this.next = this.indexAt(this.loop![0])
      this.clicked = this.loop![0]
    }
  }

  private send(to: number, run: Run) {
    const { synth } = this.sound!
    for (; this.next < this.events.length && this.events[this.next].tick < to; this.next++) {
      const { tick, kind, track, a, b } = this.events[this.next]
      const name = this.piece!.tracks[track].label
      const channel = this.channel(track)
      const time = this.timeOf(tick, run)
      if (kind === 'on') {
        if (!this.audible(name)) continue
        synth.noteOn(channel, a, b, time)
        this.sounding.set(`${channel} ${a}`, [channel, a])
      } else if (kind === 'off') {
        synth.noteOff(channel, a, time)
        this.sounding.delete(`${channel} ${a}`)
      } else if (kind === 'control') synth.controllerChange(channel, a, b, time)
      else synth.pitchWheel(channel, Math.max(0, Math.min(16383, a + 8192)), time)
    }
    if (this.click)
      for (const beat of beats(this.piece!, this.clicked, Math.min(to, endTick(this.piece!))))
        click(this.sound!, this.timeOf(beat.tick, run), beat.first)
    this.clicked = Math.max(this.clicked, to)
  }

  private follow = () => {
    if (!this.playing) return
    this.tick = this.heardTick()
    this.measure()
    const end = endTick(this.piece!)
    if (this.tick >= end && !this.growing) {
      this.pause()
      this.tick = this.loop ? this.loop[0] : 0
      return
    }
    requestAnimationFrame(this.follow)
  }

  private channel(track: number): number {
    if (this.piece!.tracks[track].is_drum) return DRUM_CHANNEL
    const before = this.piece!.tracks.slice(0, track).filter((each) => !each.is_drum).length
    const free = before % 15
    return free >= DRUM_CHANNEL ? free + 1 : free
  }

  private setChannels() {
    const { synth } = this.sound!
    this.piece!.tracks.forEach((track, index) => {
      const channel = this.channel(index)
      if (!track.is_drum) synth.programChange(channel, this.soundsAs[track.program] ?? track.program)
      synth.controllerChange(channel, 64, 0)
      synth.controllerChange(channel, 11, 127)
      synth.pitchWheel(channel, 8192)
    })
    this.mix()
  }

  private mix() {
    if (!this.sound || !this.piece) return
    this.piece.tracks.forEach((track, index) => {
      const level = this.audible(track.label) ? this.desk(track.label).volume : 0
      this.sound!.synth.controllerChange(this.channel(index), 7, Math.round(100 * level))
    })
  }
}

function eventsOf(piece: Piece): Event[] {
  const events: Event[] = []
  piece.tracks.forEach((each, track) => {
    for (const [onset, duration, pitch, velocity] of each.notes) {
      events.push({ tick: onset, kind: 'on', track, a: pitch, b: velocity })
      events.push({ tick: onset + Math.max(1, duration), kind: 'off', track, a: pitch, b: 0 })
    }
    for (const [tick, number, value] of each.controls ?? [])
      if (HELD_CONTROLS.has(number)) events.push({ tick, kind: 'control', track, a: number, b: value })
    for (const [tick, value] of each.bends ?? []) events.push({ tick, kind: 'bend', track, a: value, b: 0 })
  })
  // What ends or changes comes before what begins at the same tick.
  return events.sort((one, other) => one.tick - other.tick || Number(one.kind === 'on') - Number(other.kind === 'on'))
}

export const player = new Player()
