const TOKEN = /x0t1[\x21-\x7e]{1,8000}/
/** A picture of a code from a telephone is a few MiB; anything larger is not one. */
const MAX_FILE_BYTES = 20 * 1024 * 1024
/** Enough for the squares of the largest code, and little enough to be read at once. */
const MAX_SIDE = 1_400

/** The invite in what somebody pasted, whatever stands around it. */
export const tokenIn = (text: string): string | undefined => TOKEN.exec(text)?.[0]

/** The invite in a file: a text, or a picture with the QR code of one. */
export async function tokenInFile(file: File): Promise<string | undefined> {
  if (file.size > MAX_FILE_BYTES) return undefined
  if (!file.type.startsWith('image/')) return tokenIn(await file.text())
  const text = await textInPicture(file)
  return text === undefined ? undefined : tokenIn(text)
}

async function textInPicture(file: File): Promise<string | undefined> {
  const picture = await createImageBitmap(file)
  const scale = Math.min(1, MAX_SIDE / Math.max(picture.width, picture.height))
  const [width, height] = [Math.round(picture.width * scale), Math.round(picture.height * scale)]
  const context = new OffscreenCanvas(width, height).getContext('2d')
  if (context === null) return undefined
  context.drawImage(picture, 0, 0, width, height)
  picture.close()
  const { data } = context.getImageData(0, 0, width, height)
  // Fetched only by those who join with a picture.
  const { decodeQR } = await import('qr/decode.js')
  try {
    return decodeQR({ width, height, data })
  } catch {
    return undefined
  }
}
