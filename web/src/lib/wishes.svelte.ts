// What is asked of the next piece: the values of the compose panel, and the request they make.
import { studio } from './studio.svelte'

export interface Block {
  id: number
  name: string
  bars: number
}

const KEPT = 'ritornello.wishes'

class Wishes {
  lengthBy = $state<'bars' | 'duration' | 'form'>('bars')
  bars = $state(32)
  duration = $state('1:30')
  key = $state('')
  tempo = $state<number | null>(null)
  /** One that is usual in the model's music where nothing is chosen. */
  metre = $state('')
  style = $state('')
  parts = $state<string[]>(['piano', 'guitar', 'bass', 'saxophone', 'drums'])
  chords = $state('')
  density = $state('')
  /** Of parts, as in "piano=high, bass=2". */
  densities = $state('')
  form = $state<Block[]>([])
  adventure = $state(0.5)
  variations = $state(1)
  seed = $state('')
  ending = $state(true)
  /** Ratio of the halves of a beat, or as it comes. */
  swing = $state('')
  /** Pitch classes in place of a key's, as in "0 2 3 7 8". */
  scale = $state('')
  loudness = $state('')
  /** A plan in place of a form: what its file is called, and what it says. */
  plan = $state<{ name: string; text: string } | null>(null)
  /** How many candidates a critic keeps one of. */
  bestOf = $state(0) // as usual
  /** How much of a part stays that is varied as a whole; 0 is nothing. */
  closeness = $state(0)
  model = $state('')
  /** Whether nothing was asked for here yet. */
  isNew = true
  private number = 0

  constructor() {
    try {
      const { form, ...kept } = JSON.parse(localStorage.getItem(KEPT) ?? '{}')
      Object.assign(this, kept)
      this.isNew = !Object.keys(kept).length
      if (form) this.setForm(form)
    } catch {
      // Nothing was kept, or the browser keeps nothing.
    }
  }

  keep() {
    const { lengthBy, bars, duration, key, tempo, metre, style, parts, chords, density, densities, adventure, ending, swing, scale, loudness, bestOf } = this
    const form = this.form.map(({ name, bars }) => [name, bars])
    try {
      localStorage.setItem(
        KEPT,
        JSON.stringify({ lengthBy, bars, duration, key, tempo, metre, style, parts, chords, density, densities, adventure, ending, swing, scale, loudness, bestOf, form }),
      )
    } catch {
      // A browser that keeps nothing starts afresh each time.
    }
  }

  /** A song with a chorus that comes again, for whoever has not asked for anything yet. */
  beginWithForm() {
    this.isNew = false
    this.lengthBy = 'form'
    this.setForm([['intro', 4], ['verse', 8], ['chorus', 8], ['verse', 8], ['chorus', 8], ['end', 4]])
  }

  get formBars(): number {
    return this.form.reduce((sum, block) => sum + (block.bars || 0), 0)
  }

  setForm(blocks: [string, number][]) {
    this.form = blocks.map(([name, bars]) => this.block(name, bars))
  }

  block(name: string, bars: number): Block {
    return { id: ++this.number, name, bars }
  }

  /** What every request has: how bold, which model, in which key and style. */
  common(): Record<string, unknown> {
    const request: Record<string, unknown> = { adventure: this.adventure }
    if (this.model) request.model = this.model
    if (this.style) request.style = this.style
    if (this.swing) request.swing = Number(this.swing)
    if (this.scale.trim()) request.scale = this.scale.trim()
    if (this.loudness) request.loudness = Number(this.loudness)
    return request
  }

  compose(): Record<string, unknown> {
    const request: Record<string, unknown> = { kind: 'compose', ...this.common(), ending: this.ending }
    const plan = this.lengthBy === 'form' ? this.plan : null
    // A plan says itself who plays, in which metres.
    if (!plan && this.metre) request.metre = this.metre
    if (plan) request.plan = plan.text
    else if (this.lengthBy === 'form' && this.form.length)
      request.form = this.form.map((block) => `${block.name} ${block.bars}`).join(', ')
    else if (this.lengthBy === 'duration') request.duration = this.duration
    else request.bars = this.bars
    if (this.key) request.key = this.key
    if (this.tempo) request.tempo = this.tempo
    if (this.parts.length && !plan) request.parts = [...this.parts]
    if (this.chords.trim()) request.chords = this.chords.trim()
    if (this.density) request.density = this.density
    const densities = this.densities.split(',').map((each) => each.split('=').map((word) => word.trim()))
    if (this.densities.trim()) request.densities = Object.fromEntries(densities)
    if (this.variations > 1) request.variations = this.variations
    if (this.bestOf) request.best_of = this.bestOf
    if (this.seed.trim()) request.seed = Number(this.seed)
    return request
  }

  async send() {
    this.keep()
    studio.view = 'roll'
    return studio.run(this.compose())
  }
}

export const wishes = new Wishes()
