/** Why an issuer must not sign a certificate. */
export type IssueRefusal =
  | 'role-not-below-issuer'
  | 'issuing-is-the-authority-s'
  | 'issuer-may-not-issue'
  | 'issuer-expired'
  | 'other-mesh'
  | 'own-certificate'

/** Faults of this layer. None of them ever carries key material, a token or a passphrase. */
export type SecurityFault =
  | { code: 'KEY_WIPED' }
  | { code: 'BAD_SEED' }
  | { code: 'BAD_RECORD'; record: string }
  | { code: 'CANNOT_ISSUE'; refusal: IssueRefusal }
  | { code: 'BAD_POLICY'; problems: readonly { line: number; message: string }[] }
  | { code: 'EMPTY_PASSPHRASE' }
  | { code: 'KEYSTORE_MISSING'; path: string }
  | { code: 'KEYSTORE_EXISTS'; path: string }
  | { code: 'KEYSTORE_DAMAGED'; path: string }
  | { code: 'KEYSTORE_LOCKED'; path: string }
  | { code: 'KEYSTORE_WRONG_LOCK'; path: string; needs: 'passphrase' | 'keyfile' }
  | { code: 'KEYSTORE_EXPOSED'; path: string; mode: string }
  | { code: 'KEYSTORE_UNREADABLE'; path: string }
