// The outline of a sound: its loudest moments, for a drawing.
import { prepare } from './draw'

const LARGEST_BYTES = 60e6

/** Peaks (0 to 1) of a sound file, so many as asked for, and its length; null where it is too large. */
export async function outline(url: string, count: number): Promise<{ peaks: number[]; seconds: number } | null> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`The sound could not be loaded (${response.status}).`)
  const bytes = await response.arrayBuffer()
  if (bytes.byteLength > LARGEST_BYTES) return null
  const context = new OfflineAudioContext(1, 1, 22050)
  const sound = await context.decodeAudioData(bytes)
  const samples = sound.getChannelData(0)
  const step = samples.length / count
  const peaks = Array.from({ length: count }, (_, index) => {
    let most = 0
    for (let at = Math.floor(index * step); at < (index + 1) * step; at += 8) most = Math.max(most, Math.abs(samples[at] ?? 0))
    return most
  })
  return { peaks, seconds: sound.duration }
}

export function drawOutline(canvas: HTMLCanvasElement, peaks: number[], height: number, colour: string) {
  const width = canvas.clientWidth
  const pen = prepare(canvas, width, height)
  pen.fillStyle = colour
  const step = width / peaks.length
  peaks.forEach((peak, index) => {
    const tall = Math.max(1, peak * (height - 4))
    pen.fillRect(index * step, (height - tall) / 2, Math.max(1, step - 0.6), tall)
  })
}
