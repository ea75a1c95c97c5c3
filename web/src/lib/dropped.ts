// Files that were dropped on the page, those in folders included.

const MOST_FILES = 5000

export async function filesOf(entries: (FileSystemEntry | null)[]): Promise<File[]> {
  const found: File[] = []
  const waiting = [...entries]
  while (waiting.length && found.length < MOST_FILES) {
    const entry = waiting.shift()
    if (entry?.isFile)
      found.push(await new Promise<File>((done, failed) => (entry as FileSystemFileEntry).file(done, failed)))
    else if (entry?.isDirectory) {
      const reader = (entry as FileSystemDirectoryEntry).createReader()
      // A reader gives at most a hundred entries at a time, and none when it is through.
      for (;;) {
        const some = await new Promise<FileSystemEntry[]>((done, failed) => reader.readEntries(done, failed))
        if (!some.length) break
        waiting.push(...some)
      }
    }
  }
  return found
}
