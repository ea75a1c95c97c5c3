// What the page shows, and everything it can do with the studio.
import { ask, get, isOver, listen, listenToAll, post, StudioError } from './api'
import { player } from './player.svelte'
import { barAt, endTick, markedSections } from './timing'
import type { About, Job, Model, Piece, PieceAnswer, Plan, Recording, Section, Song, StreamedNote, Track, Trouble } from './types'

export type View = 'roll' | 'score' | 'sound' | 'take'
export type Tool = 'compose' | 'remix' | 'learn' | 'listen'

interface Notice extends Trouble {
  id: number
  kind: 'error' | 'news'
  action?: { text: string; run: () => void }
}

const DRAFT_RESOLUTION = 480

class Studio {
  about = $state.raw<About | null>(null)
  models = $state.raw<{ name: string; title: string; origin: string; usable: boolean; problem: string }[]>([])
  model = $state.raw<Model | null>(null)
  songs = $state.raw<Song[]>([])
  jobs = $state.raw<Job[]>([])
  recordings = $state.raw<Recording[]>([])

  /** The version that is shown, and its piece; while notes arrive, the piece as far as it is written. */
  version = $state.raw<PieceAnswer | null>(null)
  piece = $state.raw<Piece | null>(null)
  plan = $state.raw<Plan | null>(null)
  /** The job whose notes are arriving. */
  writing = $state.raw<Job | null>(null)
  writtenTick = $state(0)
  /** Pieces of one job, of which one is shown. */
  variations = $state.raw<string[]>([])
  selection = $state.raw<{ bars: [number, number]; parts: number[] } | null>(null)
  locked = $state<Record<string, boolean>>({})
  view = $state<View>('roll')
  tool = $state<Tool>('compose')
  /** What is shown where there is room for one column. */
  side = $state<'make' | 'piece' | 'library'>('piece')
  notices = $state<Notice[]>([])
  /** What has just happened, for a screen reader. */
  spoken = $state('')
  /** A newer version of the shown song that another tab made. */
  newer = $state.raw<Song | null>(null)
  heardOnce = $state(false)
  training = $state.raw<Job | null>(null)
  /** Files that were dropped to learn from, and the songs they became. */
  lessons = $state.raw<{ name: string; song: string | null; why: string }[]>([])
  reading = $state(false)

  private stopListening: (() => void) | null = null
  private expectedHeads = new Set<string>()
  private asking = 0
  private noticeNumber = 0

  get song(): Song | null {
    return this.songs.find((song) => song.id === this.version?.song) ?? null
  }

  async start() {
    await this.try(async () => {
      this.about = await get<About>('/about')
      player.soundsAs = this.about.sounds_as ?? []
      const [models, songs, jobs] = await Promise.all([
        get<{ models: Studio['models']; default: string }>('/models'),
        get<{ songs: Song[] }>('/songs'),
        get<{ jobs: Job[] }>('/jobs'),
      ])
      this.models = models.models
      this.songs = songs.songs
      this.jobs = jobs.jobs
      await this.chooseModel(models.default)
      const first = songs.songs[0]?.head ?? this.about.first_piece
      if (first) await this.open(first)
      const running = this.jobs.find((job) => job.state === 'running' && writesNotes(job))
      if (running) this.follow(running)
    })
    listenToAll(
      {
        job: (job: Job) => this.heardOfJob(job),
        song: (song: Song) => this.heardOfSong(song),
        model: () => this.refreshModels(),
      },
      () => this.refresh(),
    )
    void this.refreshRecordings()
  }

  /** Opens a panel; the recording that one works on stands in the middle. */
  use(tool: Tool) {
    this.tool = tool
    if (tool === 'remix' && this.recordings.length) this.view = 'take'
    else if (this.view === 'take') this.view = 'roll'
  }

  async refresh() {
    await this.try(async () => {
      this.songs = (await get<{ songs: Song[] }>('/songs')).songs
      this.jobs = (await get<{ jobs: Job[] }>('/jobs')).jobs
    })
  }

  async refreshModels() {
    const answer = await this.try(() => get<{ models: Studio['models'] }>('/models'))
    if (answer) this.models = answer.models
  }

  async refreshRecordings() {
    const answer = await this.try(() => get<{ recordings: Recording[] }>('/recordings'))
    if (answer) this.recordings = answer.recordings
  }

  async chooseModel(name: string) {
    const model = await this.try(() => get<Model>(`/model?name=${encodeURIComponent(name)}`))
    if (model) this.model = model
  }

  /** Shows a version, as it is or as the head of its song. */
  async open(id: string, { quietly = false } = {}) {
    const number = ++this.asking
    const version = await this.try(() => get<PieceAnswer>(`/pieces/${id}`))
    if (!version || number !== this.asking) return
    this.show(version)
    if (!quietly) this.say(`${this.song?.title ?? 'A piece'}: ${describe(version)}.`)
  }

  /** Makes an older version the one that the song shows. */
  async choose(id: string) {
    const songOf = this.songs.find((song) => song.versions.some((version) => version.id === id))
    if (songOf && songOf.head !== id) {
      this.expectedHeads.add(id)
      await this.try(() => ask('PATCH', `/songs/${songOf.id}`, { head: id }))
    }
    await this.open(id)
  }

  private show(version: PieceAnswer) {
    this.stopListening?.()
    this.stopListening = null
    const same = this.version?.song === version.song
    const before = this.version?.piece
    this.writing = null
    this.newer = null
    this.version = version
    this.piece = withLabels(version.piece)
    this.expectedHeads.add(version.id)
    if (!this.variations.includes(version.id)) this.variations = []
    if (!same || before?.bar_lines.length !== this.piece.bar_lines.length || before.tracks.length !== this.piece.tracks.length)
      this.selection = null
    if (!same) {
      this.locked = {}
      player.stop()
      player.loop = null
      player.tick = 0
    }
    player.setPiece(this.piece)
    this.plan = null
    void get<Plan>(`/pieces/${version.id}/plan`)
      .then((plan) => {
        if (this.version?.id !== version.id) return
        // What a song calls its sections counts more than what an analysis finds.
        const marked = markedSections(version.piece)
        this.plan = marked.length > 1 ? { ...plan, sections: marked } : plan
      })
      .catch(() => undefined)
  }

  /** Starts a job; its notes are shown as they come. */
  async run(request: Record<string, unknown>): Promise<Job | null> {
    const job = await this.try(() => post<Job>('/jobs', request))
    if (!job) return null
    this.started.add(job.id)
    this.heardOfJob(job)
    if (writesNotes(job)) this.follow(job)
    return job
  }

  private follow(job: Job) {
    this.stopListening?.()
    this.writing = job
    this.writtenTick = 0
    this.variations = []
    const isNew = job.kind === 'compose'
    const places = (this.model?.instruments ?? []).map((instrument) => instrument.name)
    let draft = new Draft(isNew ? null : this.piece, job, places)
    if (isNew) {
      player.stop()
      player.loop = null
      player.tick = 0
      const sections = askedSections(job)
      this.plan = sections.length ? { form: '', sections, chords: [], returns: [] } : null
      this.selection = null
      this.version = null
    }
    let drawn = 0
    const draw = (now = false) => {
      if (!now && performance.now() - drawn < 120) return
      drawn = performance.now()
      this.piece = draft.piece()
      this.writtenTick = draft.untilTick
      player.setPiece(this.piece, true)
    }
    if (isNew) draw(true)
    this.say(`${job.title || 'Composing'}: notes arrive.`)
    this.stopListening = listen(job.id, {
      notes: (data: { variation?: number; notes: StreamedNote[]; until: number; length: number }) => {
        if (data.variation) return
        draft.add(data.notes, data.until, data.length)
        draw()
      },
      outline: (data: { piece: Piece }) => {
        draft.begin(data.piece)
        this.plan = { form: '', sections: markedSections(data.piece), chords: data.piece.chords, returns: [] }
        draw(true)
      },
      restart: () => {
        draft = new Draft(isNew ? null : (this.version && withLabels(this.version.piece)), job, places)
        draw(true)
      },
      message: (data: { text: string }) => this.tell(data.text),
      progress: (progress) => {
        if (this.writing?.id === job.id) this.writing = { ...this.writing, progress }
      },
      end: (ended: Job) => void this.ended(ended),
    })
  }

  private async ended(job: Job) {
    if (this.writing?.id !== job.id) return
    this.writing = null
    this.stopListening = null
    this.heardOfJob(job)
    const pieces = job.result?.pieces ?? []
    if (pieces.length) {
      const stays = player.playing && job.kind === 'compose' ? player.tick / this.piece!.resolution : null
      this.variations = pieces.length > 1 ? pieces : []
      this.songs = (await this.try(() => get<{ songs: Song[] }>('/songs')))?.songs ?? this.songs
      const version = await this.try(() => get<PieceAnswer>(`/pieces/${pieces[0]}`))
      if (!version) return
      if (stays !== null && this.version === null) this.version = { ...version }
      this.show(version)
      this.say(`Done: ${describe(version)}.`)
    } else if (this.version) this.show(this.version)
    else {
      const last = this.songs[0]?.head
      if (last) await this.open(last, { quietly: true })
      else this.piece = null
    }
  }

  private heardOfJob(job: Job) {
    const known = this.jobs.find((each) => each.id === job.id)
    // The answer to a request may come after the news that the job has begun.
    if (known && job.attempts < known.attempts) return
    this.jobs = known ? this.jobs.map((each) => (each.id === job.id ? job : each)) : [job, ...this.jobs]
    if (known && isOver(known)) return
    if (job.state === 'failed') this.complain(job.error ?? { what: `${job.title} failed.`, where: '', next_step: '' })
    if (job.kind === 'train') this.training = job
    if (job.state === 'done' && this.started.has(job.id)) for (const warning of (job.result?.warnings as string[]) ?? []) this.tell(warning)
    if (isOver(job)) this.say(`${job.title || job.kind}: ${job.state}.`)
    if (isOver(job) && ['train', 'tune'].includes(job.kind)) void this.refreshModels()
  }

  private heardOfSong(song: Song & { deleted?: boolean }) {
    if (song.deleted) {
      this.songs = this.songs.filter((each) => each.id !== song.id)
      return
    }
    const known = this.songs.some((each) => each.id === song.id)
    this.songs = known ? this.songs.map((each) => (each.id === song.id ? song : each)) : [song, ...this.songs]
    const shown = this.version
    if (!shown || shown.song !== song.id || song.head === shown.id) return
    const ours = this.writing || this.expectedHeads.has(song.head) || this.acting > 0
    const isJobOfOurs = song.versions.some(
      (version) => version.id === song.head && version.job && this.jobs.some((job) => job.id === version.job && this.started.has(job.id)),
    )
    if (!ours && !isJobOfOurs) this.newer = song
  }

  private acting = 0
  private started = new Set<string>()

  /** Whether this window asked for the job. */
  isOurs(job: Job): boolean {
    return this.started.has(job.id)
  }

  /** An edit that the studio answers with a new version. */
  private async edit(path: string, body: unknown, spoken: string) {
    this.acting++
    const version = await this.try(() => post<PieceAnswer>(path, body))
    if (version) {
      this.expectedHeads.add(version.id)
      await this.refresh()
      this.show(version)
      this.say(spoken)
    }
    this.acting--
  }

  async undo(forward = false) {
    if (!this.version) return
    this.acting++
    const song = await this.try(() => post<Song>(`/songs/${this.version!.song}/${forward ? 'redo' : 'undo'}`))
    if (song) {
      this.songs = this.songs.map((each) => (each.id === song.id ? song : each))
      await this.open(song.head, { quietly: true })
      this.say(`${forward ? 'Redone' : 'Undone'}: ${this.version?.label ?? ''} is shown.`)
    }
    this.acting--
  }

  /** Numbers from 1 of the parts that may change: of the selection if there is one, without the locked. */
  open_parts(ofSelection = true): number[] {
    const chosen = (ofSelection && this.selection?.parts) || this.piece!.tracks.map((_, index) => index)
    return chosen.filter((index) => !this.locked[this.piece!.tracks[index].label]).map((index) => index + 1)
  }

  async change(kind: 'fill' | 'vary' | 'continue' | 'delete', wishes: Record<string, unknown> = {}) {
    if (!this.version || !this.piece) return
    const bars = this.selection?.bars ?? null
    // All who are not locked go on, also where the bars were chosen in the lane of one of them.
    const parts = this.open_parts(kind !== 'continue')
    if (!parts.length) {
      this.complain({ what: 'All these parts are locked.', where: '', next_step: 'Unlock one of them, or choose others.' })
      return
    }
    const piece = this.version.id
    const everyone = parts.length === this.piece.tracks.length
    const common = { piece, parts: everyone && kind !== 'vary' ? null : parts, ...wishes }
    if (kind === 'delete') {
      if (bars)
        await this.edit(`/pieces/${piece}/delete-bars`, { bars, parts: everyone ? null : parts }, `Bars ${bars.join(' to ')} are empty.`)
      return
    }
    if (kind === 'continue') {
      const from = bars && bars[1] < this.piece.bar_lines.length ? await this.cutAfter(bars[1]) : piece
      if (!from) return
      await this.run({ ...common, kind, piece: from })
    } else await this.run({ ...common, kind, bars })
  }

  /** One part anew, in the selected bars or everywhere. */
  async again(part: number, wishes: Record<string, unknown> = {}) {
    if (!this.version) return
    const bars = this.selection?.bars ?? null
    await this.run({ kind: 'vary', piece: this.version.id, parts: [part + 1], bars, ...wishes })
  }

  /** A player more, in the selected bars or everywhere. */
  async addPart(instrument: string, wishes: Record<string, unknown> = {}) {
    if (!this.version) return
    const bars = this.selection?.bars ?? null
    await this.run({ kind: 'arrange', piece: this.version.id, add: [instrument], bars, ...wishes })
  }

  /** The lower voices of a choir under the melody. */
  async harmonise(wishes: Record<string, unknown> = {}) {
    if (this.version) await this.run({ kind: 'harmonise', piece: this.version.id, ...wishes })
  }

  /** A version that ends after a bar, from which the rest is written anew. */
  private async cutAfter(bar: number): Promise<string | null> {
    const piece = this.piece!
    const end = bar < piece.bar_lines.length ? piece.bar_lines[bar] : endTick(piece)
    const before = <T extends unknown[]>(rows: T[] | undefined) => (rows ?? []).filter((row) => (row[0] as number) < end)
    const tracks = piece.tracks.map((track) => ({
      ...track,
      notes: before(track.notes).map(([onset, duration, ...rest]) => [onset, Math.min(duration, end - onset), ...rest]),
      controls: before(track.controls),
      bends: before(track.bends),
    }))
    this.acting++
    const version = await this.try(() =>
      post<PieceAnswer>('/pieces', {
        piece: { ...piece, length_ticks: end, markers: before(piece.markers), chords: before(piece.chords), tracks },
        parent: this.version!.id,
        label: `Bars 1 to ${bar}`,
      }),
    )
    this.acting--
    if (!version) return null
    this.show(version)
    return version.id
  }

  async setInstrument(track: number, instrument: { name: string; program: number; is_drum: boolean }) {
    const piece = this.version!.piece
    const tracks = piece.tracks.map((each, index) =>
      index === track ? { ...each, program: instrument.program, is_drum: instrument.is_drum, name: instrument.name } : each,
    )
    const label = `${this.piece!.tracks[track].label} as ${instrument.name}`
    await this.edit('/pieces', { piece: { ...piece, tracks }, parent: this.version!.id, label }, label)
  }

  async removePart(track: number) {
    const piece = this.version!.piece
    const label = `Without ${this.piece!.tracks[track].label}`
    const tracks = piece.tracks.filter((_, index) => index !== track)
    await this.edit('/pieces', { piece: { ...piece, tracks }, parent: this.version!.id, label }, label)
  }

  async rename(song: Song, title: string) {
    await this.try(() => ask('PATCH', `/songs/${song.id}`, { title }))
    await this.refresh()
  }

  async remove(song: Song) {
    const done = await this.try(async () => {
      await ask('DELETE', `/songs/${song.id}`)
      return true
    })
    if (!done) return
    await this.refresh()
    this.tell(`"${song.title}" is deleted.`, {
      text: 'Bring it back',
      run: () => void this.try(() => ask('PATCH', `/songs/${song.id}`, { deleted: false })).then(() => this.refresh()),
    })
    if (this.version?.song === song.id && this.songs[0]) await this.open(this.songs[0].head, { quietly: true })
  }

  async cancel(job: Job) {
    const answer = await this.try(() => post<Job>(`/jobs/${job.id}/cancel`))
    if (answer) this.heardOfJob(answer)
  }

  async retry(job: Job) {
    const answer = await this.try(() => post<Job>(`/jobs/${job.id}/retry`))
    if (!answer) return
    this.started.add(answer.id)
    this.heardOfJob(answer)
    if (writesNotes(answer)) this.follow(answer)
  }

  /** Takes files that were dropped or chosen. */
  async take(files: Iterable<File>): Promise<string[]> {
    const songs: string[] = []
    for (const file of files) {
      if (this.about && file.size > this.about.upload_bytes) {
        const most = Math.round(this.about.upload_bytes / 1e6)
        this.complain({
          what: `"${file.name}" has ${Math.round(file.size / 1e6)} MB; at most ${most} MB are taken.`,
          where: '',
          next_step: 'Give it to the command line, which takes any size.',
        })
        continue
      }
      this.say(`Reading ${file.name}.`)
      const answer = await this.try(() =>
        post<{ kind: string; piece?: PieceAnswer; recording?: Recording }>(
          `/uploads?name=${encodeURIComponent(file.name)}`,
          new Blob([file]),
        ),
      )
      if (answer?.piece) {
        songs.push(answer.piece.song)
        this.expectedHeads.add(answer.piece.id)
        await this.refresh()
        this.show(answer.piece)
        this.say(`${file.name}: ${describe(answer.piece)}.`)
        for (const warning of answer.piece.warnings ?? []) this.tell(warning)
      } else if (answer?.recording) {
        await this.refreshRecordings()
        this.use('remix')
        this.side = 'make'
        this.say(`${file.name} is ready to remix.`)
      }
    }
    return songs
  }

  /** Takes files to learn from; they stand in no list of the library. */
  async takeLessons(files: Iterable<File>) {
    this.use('learn')
    this.side = 'make'
    this.reading = true
    const readable = this.about?.formats.read ?? []
    for (const file of files) {
      const ending = file.name.toLowerCase().split('.').pop() ?? ''
      if (file.name.startsWith('.') || ['txt', 'md', 'html', 'pdf', 'json'].includes(ending)) continue
      const lesson = { name: file.name, song: null as string | null, why: '' }
      if (!readable.includes(ending)) lesson.why = 'No MIDI, ABC or MusicXML.'
      else
        try {
          const path = `/uploads?listed=false&name=${encodeURIComponent(file.name)}`
          lesson.song = (await post<{ piece: PieceAnswer }>(path, new Blob([file]))).piece.song
        } catch (error) {
          lesson.why = (error as Error).message
        }
      this.lessons = [...this.lessons, lesson]
    }
    this.reading = false
    const good = this.lessons.filter((lesson) => lesson.song).length
    this.say(`${good} pieces to learn from, ${this.lessons.length - good} refused.`)
  }

  /** Does something that the studio may refuse, and shows its reason if it does. */
  async try<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof StudioError) this.complain(error.trouble)
      else this.complain({ what: String((error as Error).message ?? error), where: '', next_step: '' })
      return undefined
    }
  }

  complain(trouble: Trouble) {
    if (this.notices.some((notice) => notice.what === trouble.what)) return
    this.notices = [...this.notices.slice(-3), { ...trouble, id: ++this.noticeNumber, kind: 'error' }]
  }

  tell(what: string, action?: Notice['action']) {
    const id = ++this.noticeNumber
    this.notices = [...this.notices.slice(-3), { what, where: '', next_step: '', id, kind: 'news', action }]
    setTimeout(() => this.dismiss(id), 12_000)
  }

  dismiss(id: number) {
    this.notices = this.notices.filter((notice) => notice.id !== id)
  }

  say(text: string) {
    this.spoken = text
  }
}

export const writesNotes = (job: Job) => ['compose', 'continue', 'fill', 'arrange', 'vary', 'harmonise'].includes(job.kind)

export function describe(version: PieceAnswer | Song['versions'][number]): string {
  // Parts of one name come with their numbers.
  const parts = Object.keys(version.parts ?? {}).map((part) => part.replace(/^\d+ '(.*)'$/, '$1'))
  return [`${version.bars} bars`, version.metre, `${Math.round(version.tempo_bpm)} beats a minute`, version.key, parts.join(', ')]
    .filter(Boolean)
    .join(', ')
}

/** The piece with names of parts that differ. */
function withLabels(piece: Piece): Piece {
  const seen: Record<string, number> = {}
  const tracks = piece.tracks.map((track) => {
    const label = track.label || track.name || track.instrument
    seen[label] = (seen[label] ?? 0) + 1
    return { ...track, label: seen[label] > 1 ? `${label} ${seen[label]}` : label }
  })
  return { ...piece, tracks }
}

/** A piece that is being written: what was there, and the notes that have arrived. */
class Draft {
  untilTick = 0
  private readonly isNew: boolean
  private tracks: Track[]
  private lengthTicks: number
  private base: Piece
  private readonly written: Map<string, Track>

  /** ``places`` are instruments from the lowest place in a score to the highest. */
  constructor(base: Piece | null, job: Job, private readonly places: string[]) {
    this.isNew = !base
    this.base = base ?? emptyPiece(job)
    this.lengthTicks = this.base.length_ticks
    const replaced = base ? replacedNotes(base, job) : () => false
    this.tracks = this.base.tracks.map((track, index) => ({
      ...track,
      notes: track.notes.filter((note) => !replaced(index, note[0])),
    }))
    this.written = new Map(this.tracks.map((track) => [track.label, track]))
    this.sort()
  }

  /** Tempo, metre, form and chords are known before the notes. */
  begin(outline: Piece) {
    this.base = { ...outline, tracks: [] }
    this.lengthTicks = outline.length_ticks
  }

  /** Parts stand from the first note on where they will in the piece. */
  private sort() {
    if (!this.isNew) return
    const place = (track: Track) => {
      const exact = this.places.indexOf(track.label)
      return exact >= 0 ? exact : this.places.indexOf(track.label.replace(/ \d+$/, ''))
    }
    this.tracks.sort((a, b) => place(b) - place(a) || a.label.localeCompare(b.label))
  }

  add(notes: StreamedNote[], until: number, length: number) {
    const scale = this.base.resolution
    for (const note of notes) {
      let track = this.written.get(note.part)
      if (!track) {
        track = {
          name: note.part,
          label: note.part,
          instrument: note.part,
          program: note.program,
          is_drum: note.is_drum,
          notes: [],
        }
        this.tracks.push(track)
        this.written.set(note.part, track)
        this.sort()
      } else if (!track.notes.length) Object.assign(track, { program: note.program, is_drum: note.is_drum })
      track.notes.push([Math.round(note.onset * scale), Math.round(note.duration * scale), note.pitch, note.velocity])
    }
    this.untilTick = Math.round(until * scale)
    if (length) this.lengthTicks = Math.max(this.base.length_ticks, Math.round(length * scale))
  }

  piece(): Piece {
    const [over, under] = this.base.metres[0]?.slice(1) ?? [4, 4]
    const bar = (this.base.resolution * 4 * over) / under
    const lines = [...this.base.bar_lines]
    for (let tick = lines.length ? lines[lines.length - 1] + bar : 0; tick < this.lengthTicks; tick += bar) lines.push(tick)
    return { ...this.base, length_ticks: this.lengthTicks, bar_lines: lines, tracks: this.tracks.map((track) => ({ ...track })) }
  }
}

/** The form that a job asks for, such as "A 8, B 8"; none where it says another way what is to come. */
function askedSections(job: Job): Section[] {
  let start_bar = 1
  return String(job.request.form ?? '')
    .split(',')
    .flatMap((block) => {
      const found = /^\s*(.*\S)\s+(\d+)\s*$/.exec(block)
      if (!found) return []
      const section = { name: found[1], start_bar, bars: Number(found[2]) }
      start_bar += section.bars
      return [section]
    })
}

function emptyPiece(job: Job): Piece {
  const { metre = '4/4', tempo = 120, parts, bars: asked } = job.request as any
  const bars = askedSections(job).reduce((sum, section) => sum + section.bars, 0) || asked
  const [over, under] = String(metre ?? '4/4').split('/').map(Number)
  const resolution = DRAFT_RESOLUTION
  return {
    resolution,
    length_ticks: ((resolution * 4 * over) / under) * (Number(bars) || 16),
    title: '',
    tempos: [[0, Number(tempo) || 120]],
    metres: [[0, over || 4, under || 4]],
    keys: [],
    bar_lines: [],
    chords: [],
    markers: [],
    tracks: (Array.isArray(parts) ? parts : []).map((part: string) => ({
      name: part,
      label: part,
      instrument: part,
      program: 0,
      is_drum: part === 'drums',
      notes: [],
    })),
  }
}

/** Whether a job writes the note of a part at a tick anew. */
function replacedNotes(piece: Piece, job: Job): (part: number, tick: number) => boolean {
  const { bars, parts } = job.request as { bars?: [number, number] | null; parts?: number[] | null }
  if (!['fill', 'vary'].includes(job.kind)) return () => false
  return (part, tick) => {
    if (parts && !parts.includes(part + 1)) return false
    if (!bars || !Array.isArray(bars)) return true
    const bar = barAt(piece, tick)
    return bar >= bars[0] && bar <= bars[1]
  }
}

export const studio = new Studio()
