/**
 * One step of the schema. Once released it never changes again: a mistake is mended by the next one.
 * `sql` runs in a transaction of its own, together with the new version number.
 */
export interface Migration {
  /** From 1, without gaps. */
  readonly version: number
  readonly name: string
  readonly sql: string
}
