/** How bad it is. Unknown and idle are not healthy. */
export const TONES = ['good', 'attention', 'bad', 'unknown', 'info'] as const
export type Tone = (typeof TONES)[number]

/** Worst first: what a sum of several states shows. */
const ORDER: readonly Tone[] = ['bad', 'attention', 'unknown', 'info', 'good']

export function worstTone(tones: readonly Tone[]): Tone {
  return ORDER.find((tone) => tones.includes(tone)) ?? 'unknown'
}

export const toneRank = (tone: Tone): number => ORDER.indexOf(tone)
