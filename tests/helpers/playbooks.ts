import { type Playbook, playbookSchema } from '../../node-core/mapek/playbooks/playbook-schema.ts'

/** A playbook with one step, unless more is given; its keys are those of the file. */
export const playbookOf = (given: object = {}): Playbook =>
  playbookSchema.parse({
    x0t: 1,
    playbook: 'around',
    version: 1,
    title: 'Lead traffic around',
    about: 'A playbook of a test.',
    trigger: { symptoms: ['link-down'] },
    risk: 'low',
    steps: [{ id: 'away', do: 'reroute' }],
    ...given,
  })
