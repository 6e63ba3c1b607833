import type { Hop } from '../../node-core/contract/routing-schemas.ts'
import { useFormat } from '../text/format.ts'
import { useText } from '../text/text.ts'
import { Kind, NodeLink, SuiteText } from './parts.tsx'

/** A way link by link, with the quality of each as its near end sees it. */
export function HopList({ title, hops }: { readonly title: string; readonly hops: readonly Hop[] }) {
  const t = useText()
  const format = useFormat()
  return (
    <div>
      <h3>{title}</h3>
      {hops.length === 0 ? (
        <p className="quiet small">{t('path.unknown')}</p>
      ) : (
        <ol className="hops">
          {hops.map((hop) => (
            <li key={`${hop.from}-${hop.to}`}>
              <span className="row">
                <NodeLink name={hop.from} />
                <span aria-hidden="true">→</span>
                <NodeLink name={hop.to} />
                <span className="nowrap">
                  {format.milliseconds(hop.rttMs)} <Kind kind={hop.source} />
                </span>
                <span className="nowrap">
                  {t('path.loss', { loss: format.share(hop.lossEstimate) })} <Kind kind="estimated" />
                </span>
              </span>
              <span className="quiet tiny">
                <SuiteText suite={hop.suite} />
              </span>
            </li>
          ))}
        </ol>
      )}
    </div>
  )
}
