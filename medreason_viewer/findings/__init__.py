"""What a reader keeps: findings, the journal that keeps them, and the DICOM objects in which they leave."""
