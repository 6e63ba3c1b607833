/** States of an admitted direct connection between neighbours, with hysteresis between them. */
export const LINK_STATES = ['up', 'degraded', 'suspect', 'down'] as const
export type LinkState = (typeof LINK_STATES)[number]
