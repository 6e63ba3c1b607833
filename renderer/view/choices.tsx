import { useMantineColorScheme } from '@mantine/core'
import { chooseLanguage, type Language, useLanguage, useText } from '../text/text.ts'
import { Segments } from '../ui/segments.tsx'

export function ThemeChoice({ iconsOnly = false }: { readonly iconsOnly?: boolean }) {
  const t = useText()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <Segments
      label={t('theme')}
      iconsOnly={iconsOnly}
      value={colorScheme}
      options={[
        { value: 'light', label: t('theme.light'), icon: 'sun' },
        { value: 'dark', label: t('theme.dark'), icon: 'moon' },
        { value: 'auto', label: t('theme.auto'), icon: 'display' },
      ]}
      onChange={setColorScheme}
    />
  )
}

const LANGUAGE_NAMES: readonly { readonly value: Language; readonly label: string }[] = [
  // A language is called by its own name in every language.
  { value: 'en', label: 'English' },
  { value: 'ru', label: 'Русский' },
]

export function LanguageChoice() {
  const t = useText()
  return (
    <Segments
      label={t('language')}
      value={useLanguage()}
      options={LANGUAGE_NAMES}
      onChange={(language) => void chooseLanguage(language)}
    />
  )
}
