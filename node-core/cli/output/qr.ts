import { renderUnicodeCompact } from 'uqr'

/** Text as a QR code of block characters, two rows of modules to a line, or undefined when it does not fit. */
export function renderQr(text: string, columns: number): string | undefined {
  // Light on dark is what most terminals are, and most readers want the light quiet zone around it.
  const code = renderUnicodeCompact(text, { ecc: 'L', border: 2 })
  const width = Math.max(...code.split('\n').map((line) => line.length))
  return width <= columns ? code : undefined
}
