// Sound in the browser: a synthesiser in an audio worklet, with the SoundFont that the studio serves.
import { SynthWorklet } from './synth-worklet'

export interface Sound {
  context: AudioContext
  /** Everything that sounds goes through it; 0 while stopped. */
  gate: GainNode
  synth: SynthWorklet
  meter: AnalyserNode
}

export const hasWorklets = () => 'AudioWorkletNode' in window && isSecureContext

let sound: Promise<Sound> | undefined

async function fetchSoundFont(): Promise<ArrayBuffer> {
  const response = await fetch('/soundfont.sf3')
  if (!response.ok) throw new Error(`The SoundFont could not be loaded (${response.status}).`)
  return response.arrayBuffer()
}

/** The synthesiser; it is loaded ahead, and sounds after the first press of a key or a button. */
export function openSound(): Promise<Sound> {
  sound ??= open()
  sound.catch(() => (sound = undefined))
  return sound
}

async function open(): Promise<Sound> {
  const context = new AudioContext({ latencyHint: 'playback' })
  const [bank] = await Promise.all([fetchSoundFont(), context.audioWorklet.addModule('./synth-processor.js')])
  const gate = new GainNode(context, { gain: 1 })
  const meter = new AnalyserNode(context)
  gate.connect(meter).connect(context.destination)
  const synth = new SynthWorklet(context)
  synth.connect(gate)
  await synth.load(bank)
  return { context, gate, synth, meter }
}

/** A short click of the metronome, at a time of the audio clock. */
export function click({ context, gate }: Sound, time: number, first: boolean) {
  const tone = new OscillatorNode(context, { type: 'triangle', frequency: first ? 1760 : 1175 })
  const level = new GainNode(context, { gain: 0 })
  level.gain.setValueAtTime(0.35, time)
  level.gain.exponentialRampToValueAtTime(0.001, time + 0.06)
  tone.connect(level).connect(gate)
  tone.start(time)
  tone.stop(time + 0.07)
}
