/** Gives the person a file, made here and sent nowhere. */
export function saveFile(name: string, type: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }))
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  // The download has begun by the next turn; the address would keep the text in memory.
  setTimeout(() => URL.revokeObjectURL(address), 1_000)
}
