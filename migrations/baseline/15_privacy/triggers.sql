-- Erasures are append-only.

call lms_private.append_only_redactable('erasures', 'reason');
