import { useId } from 'react'
import type { PlanDocument } from '../../node-core/contract/heal-schemas.ts'
import { useText } from '../text/text.ts'
import { TONE_SHAPES } from '../ui/state-mark.tsx'
import { placePlan } from './dag.ts'
import { STEP_TONES } from './heal-tones.ts'
import './plan.css'

const WIDTH = 172
const HEIGHT = 48
const GAP_X = 44
const GAP_Y = 16
const PAD = 12

const left = (column: number): number => PAD + column * (WIDTH + GAP_X)
const top = (row: number): number => PAD + row * (HEIGHT + GAP_Y)

/** A plan as the graph it is: what waits for what, and how far each step is. The table below says the same in words. */
export function PlanDrawing({ steps }: { readonly steps: PlanDocument['steps'] }) {
  const t = useText()
  const arrowId = useId()
  const { steps: placed, arrows, columns, rows } = placePlan(steps)
  const width = columns * WIDTH + (columns - 1) * GAP_X + PAD * 2
  const height = rows * HEIGHT + (rows - 1) * GAP_Y + PAD * 2
  return (
    <section className="plan-drawing" aria-label={t('plan.drawing', { n: steps.length })}>
      <svg
        width={width}
        height={height}
        viewBox={`0 0 ${width} ${height}`}
        aria-hidden="true"
        focusable="false"
      >
        <defs>
          <marker
            id={arrowId}
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="7"
            markerHeight="7"
            orient="auto"
          >
            <path d="M0 0 8 4 0 8z" className="plan-arrow-head" />
          </marker>
        </defs>
        {arrows.map(([from, to]) => (
          <Arrow key={`${from}-${to}`} from={placed[from]} to={placed[to]} marker={arrowId} />
        ))}
        {placed.map(({ step, column, row }) => (
          <g
            key={step.id}
            transform={`translate(${left(column)} ${top(row)})`}
            className={`step step-${STEP_TONES[step.state]}`}
          >
            <rect width={WIDTH} height={HEIGHT} rx="7" />
            <path d={TONE_SHAPES[STEP_TONES[step.state]]} transform="translate(12 16)" fillRule="evenodd" />
            <text x="36" y="21" className="step-name">
              {t(`step.${step.action}`)}
            </text>
            <text x="36" y="37" className="step-state">
              {t(`stepState.${step.state}`)}
            </text>
          </g>
        ))}
      </svg>
    </section>
  )
}

interface Place {
  readonly column: number
  readonly row: number
}

interface ArrowProps {
  readonly from: Place | undefined
  readonly to: Place | undefined
  readonly marker: string
}

function Arrow({ from, to, marker }: ArrowProps) {
  if (from === undefined || to === undefined) return null
  const [x1, y1] = [left(from.column) + WIDTH, top(from.row) + HEIGHT / 2]
  const [x2, y2] = [left(to.column), top(to.row) + HEIGHT / 2]
  const bend = GAP_X / 2
  return (
    <path
      className="plan-arrow"
      markerEnd={`url(#${marker})`}
      d={`M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2 - 1} ${y2}`}
    />
  )
}
