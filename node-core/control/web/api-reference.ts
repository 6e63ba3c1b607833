/** OpenAPI 3.1 of the contract, and a page to read it: made when first asked for, from the contract alone. */
import { type OpenAPI, OpenAPIGenerator } from '@orpc/openapi'
import { ZodToJsonSchemaConverter } from '@orpc/zod/zod4'
import { contract } from '../../contract/contract.ts'
import type { OperationMeta } from '../../contract/operation.ts'
import { PRODUCT_VERSION } from '../../contract/version.ts'

export interface ApiReference {
  /** JSON. */
  readonly document: string
  /** HTML without any script; its style has the nonce `nonce`. */
  page(nonce: string): string
}

const HOW_TO = [
  'Every operation is a POST of its input as JSON, and answers with one JSON document. A call carries the token of a session',
  'in the Authorization header, and the Origin of this console. A session begins with the secret of a link:',
]

export async function createApiReference(origin: string): Promise<ApiReference> {
  const generator = new OpenAPIGenerator({ schemaConverters: [new ZodToJsonSchemaConverter()] })
  const document = await generator.generate(contract, {
    info: { title: 'x0t', version: PRODUCT_VERSION, description: HOW_TO.join(' ') },
    servers: [{ url: `${origin}/api` }],
    components: { securitySchemes: { session: { type: 'http', scheme: 'bearer' } } },
    security: [{ session: [] }],
  })
  for (const { path, meta } of operations()) {
    const post = document.paths?.[`/${path.join('/')}`]?.post
    if (post !== undefined) post.description = needs(meta)
  }
  return { document: JSON.stringify(document), page: (nonce) => pageOf(document, origin, nonce) }
}

function operations(): { path: [string, string]; meta: OperationMeta }[] {
  return Object.entries(contract).flatMap(([group, members]) =>
    Object.entries(members).map(([name, procedure]): { path: [string, string]; meta: OperationMeta } => ({
      path: [group, name],
      meta: procedure['~orpc'].meta,
    })),
  )
}

const needs = ({ role, scope, effect }: OperationMeta): string =>
  `${effect === 'read' ? 'Reads' : 'Changes something'}. Needs the role ${role} ${scope === 'mesh' ? 'in the mesh, by the certificate of the node too' : 'at the node'}.`

const asHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const STYLE = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:60rem;margin:0 auto;padding:1rem}
pre{overflow:auto;padding:.75rem;border:1px solid;border-radius:.25rem}summary{cursor:pointer}code{overflow-wrap:anywhere}`

function pageOf(document: OpenAPI.Document, origin: string, nonce: string): string {
  const example = `curl -H 'Origin: ${origin}' -H 'Content-Type: application/json' \\
  -d '{"secret":"SECRET"}' ${origin}/session
curl -H 'Origin: ${origin}' -H 'Content-Type: application/json' -H 'Authorization: Bearer TOKEN' \\
  -d '{}' ${origin}/api/node/status`
  const sections = operations().map(({ path, meta }) => section(document, path, meta))
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>x0t API</title><style nonce="${asHtml(nonce)}">${STYLE}</style></head>
<body><main><h1>x0t API ${asHtml(PRODUCT_VERSION)}</h1>
<p>${asHtml(HOW_TO.join(' '))}</p><pre>${asHtml(example)}</pre>
<p>SECRET is what follows <code>#sign-in=</code> in the answer of <code>x0t console --print</code>.
All of it as <a href="/api/openapi.json">OpenAPI 3.1</a>.</p>
${sections.join('\n')}
</main></body></html>
`
}

function section(document: OpenAPI.Document, path: readonly [string, string], meta: OperationMeta): string {
  const name = path.join('.')
  const post = document.paths?.[`/${path.join('/')}`]?.post
  const parts = { Request: post?.requestBody, Answer: post?.responses?.['200'] }
  const details = Object.entries(parts)
    .filter(([, part]) => part !== undefined)
    .map(
      ([title, part]) =>
        `<details><summary>${title}</summary><pre>${asHtml(JSON.stringify(part, null, 2))}</pre></details>`,
    )
  return `<section><h2 id="${asHtml(name)}"><code>POST /api/${asHtml(path.join('/'))}</code></h2>
<p>${asHtml(needs(meta))}</p>${details.join('')}</section>`
}
