import { Area, AreaChart, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts'
import type { SeriesResult } from '../../node-core/contract/history-schemas.ts'
import { useFormat } from '../text/format.ts'
import { useText } from '../text/text.ts'

const HEIGHT = 150

/** One series over time: the mean as a line, and in words what the line says. */
export function SeriesChart({ result, label }: { readonly result: SeriesResult; readonly label: string }) {
  const t = useText()
  const format = useFormat()
  const { points, series } = result
  const values = points.map(({ mean }) => mean)
  const unit = series.unit
  if (points.length === 0) return <p className="quiet small">{t('series.empty')}</p>
  return (
    <figure>
      <div aria-hidden="true">
        <ResponsiveContainer width="100%" height={HEIGHT}>
          <AreaChart
            data={[...points]}
            margin={{ top: 6, right: 6, bottom: 0, left: 0 }}
            accessibilityLayer={false}
          >
            <XAxis
              dataKey="at"
              type="number"
              domain={['dataMin', 'dataMax']}
              tickFormatter={format.time}
              tick={{ fill: 'var(--quiet)', fontSize: 11 }}
              stroke="var(--line-strong)"
              minTickGap={60}
            />
            <YAxis
              width={44}
              tick={{ fill: 'var(--quiet)', fontSize: 11 }}
              stroke="var(--line-strong)"
              tickFormatter={(value: number) => format.number(value)}
            />
            <Tooltip
              isAnimationActive={false}
              labelFormatter={(at) => format.dateTime(Number(at))}
              formatter={(value) => [`${format.number(Number(value))} ${unit}`, label]}
              contentStyle={{ background: 'var(--raised)', border: '1px solid var(--line)', borderRadius: 6 }}
            />
            <Area
              dataKey="mean"
              stroke="var(--accent)"
              fill="var(--accent-soft)"
              strokeWidth={1.5}
              isAnimationActive={false}
            />
          </AreaChart>
        </ResponsiveContainer>
      </div>
      <figcaption className="quiet tiny">
        {t('series.said', {
          min: `${format.number(Math.min(...values))} ${unit}`,
          max: `${format.number(Math.max(...values))} ${unit}`,
          last: `${format.number(values.at(-1) ?? null)} ${unit}`,
        })}{' '}
        {t(`figure.${series.kind}`)}
      </figcaption>
    </figure>
  )
}
