import type { PlanDocument } from '../../../node-core/contract/heal-schemas.ts'
import { useFormat } from '../../text/format.ts'
import { useText } from '../../text/text.ts'
import { StateMark } from '../../ui/state-mark.tsx'
import { type Column, DataTable } from '../../ui/table.tsx'
import { STEP_TONES } from '../../view/heal-tones.ts'

type PlanStep = PlanDocument['steps'][number]

const tookMs = ({ startedAt, endedAt }: PlanStep): number | null =>
  startedAt === null || endedAt === null ? null : endedAt - startedAt

/** The steps of a plan in words: who does what to what, how long it took and what came of it. */
export function StepTable({ plan }: { readonly plan: PlanDocument }) {
  const t = useText()
  const format = useFormat()
  const columns: readonly Column<PlanStep>[] = [
    {
      key: 'action',
      label: t('plan.step'),
      value: ({ id }) => id,
      cell: ({ action }) => t(`step.${action}`),
    },
    {
      key: 'by',
      label: t('plan.by'),
      value: ({ at }) => at,
      cell: ({ at }) => at,
    },
    {
      key: 'subject',
      label: t('plan.on'),
      value: ({ subject }) => subject,
      cell: ({ subject }) => subject,
    },
    {
      key: 'state',
      label: t('state'),
      value: ({ state }) => state,
      cell: ({ state }) => <StateMark tone={STEP_TONES[state]} label={t(`stepState.${state}`)} />,
    },
    {
      key: 'took',
      label: t('plan.took'),
      end: true,
      value: tookMs,
      cell: (step) => format.milliseconds(tookMs(step)),
    },
    {
      key: 'outcome',
      label: t('plan.outcome'),
      value: ({ outcome }) => outcome,
      cell: ({ outcome, undo }) => (
        <>
          {outcome ?? t('none')}
          {undo !== null && (
            <span className="quiet tiny"> {t('plan.undoneBy', { action: t(`step.${undo}`) })}</span>
          )}
        </>
      ),
    },
  ]
  return (
    <DataTable
      id="steps"
      label={t('plan.steps')}
      rows={plan.steps}
      columns={columns}
      rowKey={({ id }) => id}
      empty={null}
    />
  )
}
