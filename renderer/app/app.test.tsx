import { renderToStaticMarkup } from 'react-dom/server'
import { expect, it } from 'vitest'
import { Disconnected } from '../features/disconnected/disconnected.tsx'
import { Overview } from '../features/overview/overview.tsx'
import { sampleLink, sampleStatus } from '../testing/sample-status.ts'

const links = [sampleLink('paris', 1), sampleLink('oslo', 2, { state: 'down', rttMs: null, suite: null })]

it('shows the verdict with the age of its data, and every link with its state in words', () => {
  const page = renderToStaticMarkup(
    <Overview status={sampleStatus({ links })} ageMs={12_000} stale={false} />,
  )
  expect(page).toContain('1 of 2 links is not well.')
  expect(page).toContain('Read from the node 12 s ago')
  expect(page).toContain('X25519 + ML-KEM-768, AES-256-GCM')
  expect(page).toMatch(/oslo.*down.*unknown/)
})

it('never marks as healthy what it can no longer see', () => {
  const page = renderToStaticMarkup(<Overview status={sampleStatus()} ageMs={90_000} stale={true} />)
  expect(page).toContain('As last seen')
  expect(page).toContain('Last seen 1 min ago')
  expect(page).toContain('was up')
  expect(page).not.toMatch(/Healthy|mark-good/)
})

it('says what to do while there is no link', () => {
  const page = renderToStaticMarkup(<Overview status={sampleStatus({ links: [] })} ageMs={0} stale={false} />)
  expect(page).toContain('x0t invite')
})

it('says what is wrong and what to do while there is no node', () => {
  const page = renderToStaticMarkup(
    <Disconnected problem="No node runs on this machine." hint="Start it with: x0t up" retries={true} />,
  )
  expect(page).toContain('role="alert"')
  expect(page).toContain('Start it with: x0t up')
})

it('uses no inline style, which the content security policy would drop', () => {
  const page = renderToStaticMarkup(<Overview status={sampleStatus({ links })} ageMs={0} stale={true} />)
  expect(page).not.toMatch(/ style=/)
})
