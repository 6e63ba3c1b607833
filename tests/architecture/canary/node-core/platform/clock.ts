/** Stands in for a layer that `domain` must not import. */
export interface CanaryClock {
  now(): number
}
