import { config } from 'zod'

// Without this zod tries whether it may make functions from text, which the content security policy reports.
config({ jitless: true })
