// Speaks with the audio worklet of spessasynth_lib, whose messages these are. The library's own class for
// it brings the whole synthesiser a second time, 290 KB.

const NAME = 'spessasynth-worklet-processor'
const OUTPUTS = 17 // the effects, and sixteen channels

export class SynthWorklet {
  private readonly node: AudioWorkletNode
  private readonly waiting = new Map<string, { done: () => void; failed: (error: Error) => void }>()

  /** The worklet's module has to be added to the context before. */
  constructor(context: AudioContext) {
    this.node = new AudioWorkletNode(context, NAME, {
      numberOfOutputs: OUTPUTS,
      outputChannelCount: new Array(OUTPUTS).fill(2),
      processorOptions: { oneOutput: false, eventsEnabled: false },
    })
    this.node.port.onmessage = ({ data }) => {
      if (data.type === 'isFullyInitialized') this.waiting.get(data.data.type)?.done()
      if (data.type === 'soundBankError') for (const each of this.waiting.values()) each.failed(data.data)
    }
  }

  connect(target: AudioNode) {
    for (let output = 0; output < OUTPUTS; output++) this.node.connect(target, output)
  }

  /** Loads a SoundFont; the buffer is handed over. */
  async load(bank: ArrayBuffer): Promise<void> {
    const decoder = this.answer('sf3Decoder')
    const loaded = this.answer('soundBankManager')
    const data = { soundBankBuffer: bank, bankOffset: 0, id: 'studio' }
    this.post('soundBankManager', { type: 'addSoundBank', data }, [bank])
    await Promise.all([decoder, loaded])
  }

  /** Times are seconds of the audio context's clock. */
  noteOn(channel: number, pitch: number, velocity: number, time: number) {
    this.send([0x90 | channel, pitch, Math.max(1, velocity)], time)
  }
  noteOff(channel: number, pitch: number, time: number) {
    this.send([0x80 | channel, pitch, 0], time)
  }
  controllerChange(channel: number, number: number, value: number, time = 0) {
    this.send([0xb0 | channel, number, value], time)
  }
  programChange(channel: number, program: number) {
    this.send([0xc0 | channel, program], 0)
  }
  pitchWheel(channel: number, value: number, time = 0) {
    this.send([0xe0 | channel, value & 127, value >> 7], time)
  }
  stopAll() {
    this.post('stopAll', 1)
  }

  private send(message: number[], time: number) {
    this.post('midiMessage', { messageData: new Uint8Array(message), channelOffset: 0, options: { time } })
  }
  private post(type: string, data: unknown, transfer: Transferable[] = []) {
    this.node.port.postMessage({ channelNumber: -1, type, data }, transfer)
  }
  private answer(type: string): Promise<void> {
    return new Promise((done, failed) => this.waiting.set(type, { done, failed }))
  }
}
