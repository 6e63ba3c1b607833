/**
 * Breaks the layer rule on purpose: `domain` imports nothing, not even a type. If the checker does not report this file,
 * the checker reads nothing, and `npm run check` fails. Never part of the product.
 */
import type { CanaryClock } from '../platform/clock.ts'

export const canaryAge = (clock: CanaryClock, bornMs: number): number => clock.now() - bornMs
