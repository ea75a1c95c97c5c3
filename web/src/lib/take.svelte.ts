// A recording, what was heard in it, and what is corrected of that by hand.
import { isOver } from './api'
import { player } from './player.svelte'
import { studio } from './studio.svelte'
import { click, openSound } from './synth'
import type { Job, Recording } from './types'
import { outline } from './waveform'
import { wishes } from './wishes.svelte'

export const NO_CHORD = 'N.C.'
const PEAKS_A_SECOND = 40
const MOST_PEAKS = 24_000

interface Heard {
  tempo_bpm: number
  metre: string | number[]
  key: string | null
  beats: number[]
  downbeats: number[]
  chords: [number, string | null][]
}

class Take {
  /** Of the recording; the newest one where nothing is chosen. */
  private id = $state('')
  audio = $state<HTMLAudioElement | undefined>()
  at = $state(0)
  seconds = $state(0)
  playing = $state(false)
  click = $state(false)
  peaks = $state.raw<number[] | null>(null)

  band = $state<Record<string, boolean>>({ bass: true, drums: true, piano: true, guitar: false, strings: false })
  isMix = $state(false)
  stem = $state('other')
  keepSolo = $state(true)
  tempo = $state<number | null>(null)
  metre = $state('')
  key = $state('')
  instrument = $state('')

  /** What stands on the timeline: as heard, or corrected. */
  beats = $state.raw<number[]>([])
  chords = $state.raw<[number, string][]>([])
  /** A second at which a bar begins. */
  barAt = $state<number | null>(null)
  beatsByHand = $state(false)
  chordsByHand = $state(false)
  barByHand = $state(false)
  private loaded = ''

  get recording(): Recording | null {
    return studio.recordings.find((each) => each.id === this.id) ?? studio.recordings[0] ?? null
  }

  private job(found: (job: Job) => boolean): Job | null {
    const id = this.recording?.id
    return studio.jobs.find((job) => ['remix', 'transcribe'].includes(job.kind) && job.request.recording === id && found(job)) ?? null
  }
  /** The job that listens to this recording now. */
  get running(): Job | null {
    return this.job((job) => !isOver(job))
  }
  get listened(): Job | null {
    return this.job((job) => job.state === 'done' && !!job.result?.heard)
  }
  get remixed(): Job | null {
    return this.job((job) => job.state === 'done' && job.kind === 'remix')
  }
  get heard(): Heard | null {
    return (this.listened?.result?.heard as Heard | undefined) ?? null
  }

  choose(id: string) {
    this.audio?.pause()
    this.id = id
    this.at = 0
    this.tempo = null
    this.metre = this.key = ''
  }

  /** Reads what was heard last, unless it stands here already. */
  load() {
    const job = this.listened
    const wanted = `${this.recording?.id} ${job?.id}`
    if (wanted === this.loaded) return
    this.loaded = wanted
    const heard = this.heard
    this.beats = heard?.beats ?? []
    const stated = job?.request.chords_at as [number, string][] | undefined
    this.chords = stated ?? (heard?.chords ?? []).map(([time, name]) => [time, name ?? NO_CHORD])
    this.barAt = heard?.downbeats[0] ?? null
    this.chordsByHand = !!stated
    this.beatsByHand = !!job?.request.beats
    this.barByHand = typeof job?.request.downbeat === 'number'
  }
  /** Throws away what was corrected. */
  asHeard() {
    const heard = this.heard
    if (!heard) return
    this.beats = heard.beats
    this.chords = heard.chords.map(([time, name]) => [time, name ?? NO_CHORD])
    this.barAt = heard.downbeats[0] ?? null
    this.beatsByHand = this.chordsByHand = this.barByHand = false
    studio.say('Beats and chords are as they were heard.')
  }
  get isCorrected(): boolean {
    return this.beatsByHand || this.chordsByHand || this.barByHand
  }

  async loadOutline() {
    const recording = this.recording
    this.peaks = null
    this.seconds = recording?.seconds ?? 0
    if (!recording) return
    const count = Math.min(MOST_PEAKS, Math.max(200, Math.round(recording.seconds * PEAKS_A_SECOND)))
    const found = await outline(`/api/recordings/${recording.id}/audio`, count).catch(() => null)
    if (found && recording.id === this.recording?.id) {
      this.peaks = found.peaks
      this.seconds = found.seconds
    }
  }

  get beatsPerBar(): number {
    const [over, under] = (this.metre || [this.heard?.metre ?? '4/4'].flat().join('/')).split('/').map(Number)
    return under === 8 && over > 3 && over % 3 === 0 ? over / 3 : over || 4
  }
  /** The index of the beat that is nearest to a second. */
  nearest(seconds: number): number {
    let best = 0
    this.beats.forEach((beat, index) => {
      if (Math.abs(beat - seconds) < Math.abs(this.beats[best] - seconds)) best = index
    })
    return best
  }
  /** The place of a beat in its bar, from 1. */
  inBar(index: number): number {
    if (this.barAt === null) return 0
    const size = this.beatsPerBar
    return ((((index - this.nearest(this.barAt)) % size) + size) % size) + 1
  }

  moveBeat(index: number, seconds: number): void {
    const least = index ? this.beats[index - 1] + 0.05 : 0
    const most = (this.beats[index + 1] ?? this.seconds + 1) - 0.05
    const isBar = this.barAt !== null && this.nearest(this.barAt) === index
    const moved = round(Math.min(most, Math.max(least, seconds)))
    this.beats = this.beats.map((beat, each) => (each === index ? moved : beat))
    if (isBar) this.barAt = moved
    this.beatsByHand = true
  }
  addBeat(seconds: number): number {
    const at = round(seconds)
    if (this.beats.some((beat) => Math.abs(beat - at) < 0.05)) return this.nearest(at)
    this.beats = [...this.beats, at].sort((one, other) => one - other)
    this.barAt ??= at
    this.beatsByHand = true
    studio.say(`A beat at ${at} seconds.`)
    return this.beats.indexOf(at)
  }
  removeBeat(index: number) {
    if (this.beats.length <= 2) return
    studio.say(`The beat at ${this.beats[index].toFixed(2)} seconds is removed.`)
    this.beats = this.beats.filter((_, each) => each !== index)
    this.beatsByHand = true
  }
  beginBar(index: number) {
    this.barAt = this.beats[index]
    this.barByHand = true
    studio.say(`A bar begins at ${this.barAt.toFixed(2)} seconds.`)
  }

  setChord(index: number, name: string) {
    const text = name.trim()
    if (text === this.chords[index][1]) return
    this.chords = text
      ? this.chords.map((chord, each) => (each === index ? [chord[0], text] : chord))
      : this.chords.filter((_, each) => each !== index)
    this.chordsByHand = true
    studio.say(text ? `${text} it is.` : 'The chord is removed.')
  }
  moveChord(index: number, beats: number): number {
    const [time, name] = this.chords[index]
    const to = this.beats[this.nearest(time) + beats]
    if (to === undefined || this.chords.some(([other], each) => each !== index && Math.abs(other - to) < 0.05)) return index
    this.chords = this.chords.map((chord, each): [number, string] => (each === index ? [to, name] : chord)).sort((one, other) => one[0] - other[0])
    this.chordsByHand = true
    return this.chords.findIndex(([at]) => at === to)
  }
  /** A chord at the beat nearest to a second; its index. */
  addChord(seconds: number): number {
    const at = this.beats.length ? this.beats[this.nearest(seconds)] : round(seconds)
    const there = this.chords.findIndex(([time]) => Math.abs(time - at) < 0.05)
    if (there >= 0) return there
    const name = this.chords.findLast(([time]) => time < at)?.[1] ?? 'C'
    this.chords = [...this.chords, [at, name] as [number, string]].sort((one, other) => one[0] - other[0])
    this.chordsByHand = true
    return this.chords.findIndex(([time]) => time === at)
  }

  async toggle() {
    if (!this.audio) return
    if (!this.audio.paused) {
      this.audio.pause()
      return
    }
    player.pause()
    await this.audio.play().catch(() => undefined)
    let before = this.audio.currentTime
    const sound = await openSound().catch(() => null)
    sound?.gate.gain.setTargetAtTime(1, sound.context.currentTime, 0.005)
    const follow = () => {
      if (!this.audio || this.audio.paused) return
      this.at = this.audio.currentTime
      if (this.click && sound) {
        const struck = this.beats.findIndex((beat) => beat > before && beat <= this.at)
        if (struck >= 0) click(sound, sound.context.currentTime, this.inBar(struck) === 1)
      }
      before = this.at
      requestAnimationFrame(follow)
    }
    requestAnimationFrame(follow)
  }
  seek(seconds: number) {
    this.at = Math.max(0, Math.min(this.seconds, seconds))
    if (this.audio) this.audio.currentTime = this.at
  }

  start(kind: 'remix' | 'transcribe') {
    if (!this.recording) return
    const request: Record<string, unknown> = { kind, recording: this.recording.id }
    if (this.tempo) request.tempo = this.tempo
    if (this.metre) request.metre = this.metre
    if (this.key) request.key = this.key
    if (this.instrument) request.instrument = this.instrument
    if (this.beatsByHand) request.beats = this.beats
    if ((this.barByHand || this.beatsByHand) && this.barAt !== null) request.downbeat = this.barAt
    if (kind === 'remix') {
      Object.assign(request, wishes.common(), { parts: Object.keys(this.band).filter((part) => this.band[part]), keep_solo: this.keepSolo })
      if (this.chordsByHand && this.chords.length) request.chords_at = this.chords
      if (this.isMix) request.stem = this.stem
    } else if (this.isMix) request.band = true
    void studio.run(request)
  }
}

const round = (seconds: number) => Math.round(seconds * 1000) / 1000

export const take = new Take()
