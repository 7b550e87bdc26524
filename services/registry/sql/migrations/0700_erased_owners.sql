-- Whether somebody was erased since an import: asked before its bytes are taken for applied.
CREATE INDEX owner_erased ON owner (erased_at) WHERE erased_at IS NOT NULL;
