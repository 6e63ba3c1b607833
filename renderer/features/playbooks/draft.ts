/** What a new playbook begins as. */
export const TEMPLATE = `x0t: 1
playbook: my-redial
version: 1
title: Dial a lost link again
about: Dials the other end of a link that is down.
trigger:
  symptoms: [link-down]
risk: low
mode: ask
steps:
  - id: redial
    do: redial
    on: ends
`

const VERSION = /^version:[ \t]*(\d+)[ \t]*$/m

/** The text to begin a change with: as it is, one version on, because a node takes no version twice. */
export const nextDraft = (document: string): string =>
  document.replace(VERSION, (_line, number: string) => `version: ${Number(number) + 1}`)
