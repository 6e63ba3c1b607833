/** Files that are made from the source and published with it. `npm run published` writes them, a test holds them to it. */
import { z } from 'zod'
import { configDocumentSchema } from '../node-core/app/config/document.ts'
import { contract } from '../node-core/contract/contract.ts'
import { ROLES } from '../node-core/domain/role.ts'

/** Path in the project, and text. */
export function publishedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['resources/x0t-config.schema.json', configSchemaText()],
    ['docs/roles.md', rolesText()],
  ])
}

function configSchemaText(): string {
  const schema = z.toJSONSchema(configDocumentSchema, { io: 'input', unrepresentable: 'any' })
  const head = {
    $id: 'https://x0tta6bl4.example/x0t-config.schema.json',
    title: 'An exported configuration of x0t',
  }
  return `${JSON.stringify({ ...head, ...schema }, null, 2)}\n`
}

function rolesText(): string {
  const roles = ROLES.filter((role) => role !== 'none')
  const rows = Object.entries(contract).flatMap(([group, members]) =>
    Object.entries(members).map(([name, procedure]) => {
      const { role, scope, effect } = procedure['~orpc'].meta
      const marks = roles.map((each) => (ROLES.indexOf(each) <= ROLES.indexOf(role) ? 'yes' : 'no'))
      return `| \`${group}.${name}\` | ${effect} | ${scope} | ${marks.join(' | ')} |`
    }),
  )
  return `# Who may do what

Made from the contract by \`npm run published\`. Every transport asks the same question before it looks at anything else.

- Whoever can open the local socket is owner of that node. A browser has the role of the link it came by. A member that
  calls over the mesh has the role of its certificate.
- \`node\`: the operation acts on this node alone, so the caller's role at this node counts. \`mesh\`: it acts on all members,
  so the certificate of this node has to carry the role as well.
- A member without a role, which only carries traffic, may call nothing.

| Operation | Effect | Acts on | ${roles.join(' | ')} |
|---|---|---|${'---|'.repeat(roles.length)}
${rows.join('\n')}
`
}
