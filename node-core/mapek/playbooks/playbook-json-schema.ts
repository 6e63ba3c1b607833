import { z } from 'zod'
import { playbookSchema } from './playbook-schema.ts'

/** What editors complete and check playbooks by: `resources/playbook.schema.json` is this, and a test holds it to it. */
export function playbookJsonSchema(): object {
  // What a person writes: durations are texts there.
  return { ...z.toJSONSchema(playbookSchema, { io: 'input' }), title: 'x0t playbook, format 1' }
}
