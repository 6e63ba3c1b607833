import { describe, expect, it } from 'vitest'
import type { Request } from '../core/messages.ts'
import { followJoinLink, type Question, tokenIn } from './join-link.ts'

const TOKEN = 'x0t1abcdefghjkmnpqrstuvwxyz23456789'
const FINGERPRINT = 'ab12'.repeat(16)

function makeScene({ mode = 'setup', press = 1, suggestedName = 'berlin' as string | null } = {}) {
  const asked: Request[] = []
  const questions: Question[] = []
  const scene = { asked, questions, joined: 0 }
  const deps = {
    onJoined() {
      scene.joined += 1
    },
    async question(question: Question) {
      questions.push(question)
      return press
    },
    async ask(request: Request): Promise<unknown> {
      asked.push(request)
      switch (request.what) {
        case 'setup-state':
          return { schema: 1, mode, home: '/home/x0t', keystore: null, suggestedName }
        case 'read-token':
          return { schema: 1, fingerprint: FINGERPRINT, role: 'operator', expiresAt: 1e12, addresses: [] }
        case 'join':
          return {
            ...{ schema: 1, peer: `12D3KooW${'a'.repeat(44)}`, name: request.name },
            ...{ fingerprint: FINGERPRINT, role: 'operator' },
          }
        default:
          throw new Error('not asked for here')
      }
    },
  }
  return { scene, follow: (link: string) => followJoinLink(link, deps) }
}

describe('a link to a mesh', () => {
  it('shows the fingerprint and the role before anything is done, and joins once somebody says so', async () => {
    const { scene, follow } = makeScene()
    await follow(`x0t://join/${TOKEN}`)
    const [question] = scene.questions
    expect(question?.detail.replaceAll(/\s/g, '')).toContain(FINGERPRINT)
    expect(question?.detail).toContain('operator')
    expect(scene.asked.map(({ what }) => what)).toEqual(['setup-state', 'read-token', 'join'])
    expect(scene.joined).toBe(1)
  })

  it('does nothing when the question is closed or refused', async () => {
    const { scene, follow } = makeScene({ press: 0 })
    await follow(`x0t://join/${TOKEN}`)
    expect(scene.asked.map(({ what }) => what)).toEqual(['setup-state', 'read-token'])
    expect(scene.joined).toBe(0)
  })

  it('never joins over an existing home, whatever is pressed', async () => {
    const { scene, follow } = makeScene({ mode: 'node' })
    await follow(`x0t://join/${TOKEN}`)
    expect(scene.asked.map(({ what }) => what)).toEqual(['setup-state'])
    expect(scene.questions[0]?.message).toMatch(/already/)
  })

  it('leads to the console where the machine has no name to join with', async () => {
    const { scene, follow } = makeScene({ suggestedName: null })
    await follow(`x0t://join/${TOKEN}`)
    expect(scene.asked.map(({ what }) => what)).not.toContain('join')
  })

  it.each([
    'x0t://join/',
    'x0t://join/nothing',
    `x0t://leave/${TOKEN}`,
    `x0t://join/${TOKEN}?--home=/`,
    `x0t://join/${TOKEN}%20--force`,
    `x0t://join/../${TOKEN}`,
    `x0t://join/${TOKEN} --headless`,
    `x0t://user@join/${TOKEN}`,
    `https://join/${TOKEN}`,
    `x0t://join/x0t1${'a'.repeat(9_000)}`,
  ])('that is none is not followed: %.60s', async (link) => {
    const { scene, follow } = makeScene()
    await follow(link)
    expect(scene.asked).toEqual([])
    expect(tokenIn(link)).toBeUndefined()
  })

  it('is understood with a slash at its end, as some systems hand it over', () => {
    expect(tokenIn(`x0t://join/${TOKEN}/`)).toBe(TOKEN)
    expect(tokenIn(`X0T://JOIN/${TOKEN}`)).toBe(TOKEN)
  })
})
